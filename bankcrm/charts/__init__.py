"""Charts. What has axes is a ``chart.Chart``, drawn by ECharts with its table behind it; marks inside a row are SVG.

docs/decisions/0007-charts.md says why.
"""
