"""Charts drawn on the server as SVG: geometry in attributes, ink in classes (charts.css), no script and no style."""
