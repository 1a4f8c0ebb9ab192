"""Working one lead: open it, claim it, call, write the outcome, undo, put it off."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from bankcrm.htmx import toast, trigger
from bankcrm.models import AuditEvent
from bankcrm.policy import SignedIn
from campaigns import calling, followup, notes, queue
from campaigns.conflicts import Conflict, Refused
from campaigns.lead_forms import NoteForm, OutcomeForm, SnoozeForm
from campaigns.lead_views import workspace
from campaigns.models import FollowUp, Lead, LeadNote


@require_GET
def lead_next(request: SignedIn) -> HttpResponse:
    """“Start calling”: the first lead nobody holds."""
    lead = queue.next_lead(request.user)
    return redirect("lead-detail", lead.pk) if lead else redirect("home")


@require_GET
def lead_detail(request: SignedIn, pk: int) -> HttpResponse:
    """The workspace. Opening changes nothing: the page claims the lead by a POST of its own once it is there."""
    lead = get_object_or_404(workspace.sight(request.user), pk=pk)
    return render(request, "campaigns/leads/detail.html", workspace.context(request, lead, request.user))


@require_POST
def lead_claim(request: SignedIn, pk: int) -> HttpResponse:
    """Take the lead; the second person is told who has it (409)."""
    try:
        lead = queue.claim(pk, request.user)
    except Lead.DoesNotExist as error:
        raise Http404 from error
    except (Conflict, Refused) as refusal:
        return _refused(request, pk, refusal)
    if not request.htmx:
        return redirect("lead-detail", pk)
    # Only the mark: what the person began to type in the dock meanwhile stays.
    return render(request, "campaigns/leads/_claim.html", {"lead": lead, "mine": True})


@require_POST
def lead_release(request: SignedIn, pk: int) -> HttpResponse:
    """Give the lead back and return to the queue."""
    get_object_or_404(Lead.objects.visible_to(request.user), pk=pk)
    queue.release(pk, request.user)
    return redirect("lead-list")


@require_POST
def lead_outcome(request: SignedIn, pk: int) -> HttpResponse:
    """Write the outcome; the answer is the next lead, claimed already: one request from call to call."""
    if request.POST.get("kept") and request.POST.get("owner") != str(request.user.pk):
        # Typed by a colleague who used this device before; the page keeps it for them.
        return _sentence(request, pk, _("This outcome was typed by somebody else."), 403)
    lead = get_object_or_404(Lead.objects.visible_to(request.user), pk=pk)
    form = OutcomeForm(request.POST)
    if not form.is_valid():
        return _sentence(request, pk, form.sentence(), 422)
    try:
        done = followup.record(pk, request.user, form.entry())
    except Lead.DoesNotExist as error:
        raise Http404 from error
    except (Conflict, Refused) as refusal:
        if request.POST.get("kept"):
            return _sentence(request, pk, str(refusal), 409)
        return _refused(request, pk, refusal)
    if request.POST.get("kept"):
        # Typed without a connection and sent by the page later: it wants to know, not to move.
        return HttpResponse(status=204)
    return _on_to_next(request, lead, _("Saved: %(what)s") % {"what": workspace.saved_sentence(done)})


@require_POST
def lead_note(request: SignedIn, pk: int) -> HttpResponse:
    """Keep a note without an outcome: the lead stays on screen, the note stands under “Last time”."""
    get_object_or_404(Lead.objects.visible_to(request.user), pk=pk)
    form = NoteForm(request.POST)
    if not form.is_valid():
        return _sentence(request, pk, form.sentence(), 422)
    try:
        note = notes.write(pk, request.user, form.cleaned_data["note"], form.cleaned_data["note_key"])
    except (Conflict, Refused) as refusal:
        return _sentence(request, pk, str(refusal), 409 if isinstance(refusal, Conflict) else 422)
    if not request.htmx:
        messages.success(request, _("Note saved."))
        return redirect("lead-detail", pk)
    undo = reverse("note-undo", args=[note.pk])
    return toast(_noted(request, pk), _("Note saved."), undo_url=undo)


@require_POST
def note_undo(request: SignedIn, pk: int) -> HttpResponse:
    """Take back one's own note."""
    try:
        note = notes.undo(pk, request.user)
    except LeadNote.DoesNotExist as error:
        raise Http404 from error
    except Refused as refusal:
        return _sentence(request, get_object_or_404(LeadNote, pk=pk).lead_id, str(refusal), 422)
    if not request.htmx:
        return redirect("lead-detail", note.lead_id)
    return toast(_noted(request, note.lead_id), _("The note was taken back."))


def _noted(request: SignedIn, pk: int) -> HttpResponse:
    """What a note changes on the page, and nothing else: an outcome may be half typed."""
    lead = get_object_or_404(Lead.objects.visible_to(request.user), pk=pk)
    context = {"lead": lead, **workspace.noted(lead, request.user)}
    return trigger(render(request, "campaigns/leads/_noted.html", context), "noted")


@require_POST
def lead_snooze(request: SignedIn, pk: int) -> HttpResponse:
    """Out of the way until a moment to come."""
    lead = get_object_or_404(Lead.objects.visible_to(request.user), pk=pk)
    form = SnoozeForm(request.POST)
    if not form.is_valid():
        return _sentence(request, pk, _("Choose when the lead is to come back."), 422)
    note = NoteForm(request.POST)
    try:
        followup.snooze(pk, request.user, form.cleaned_data["until"])
        if note.is_valid():
            notes.write(pk, request.user, note.cleaned_data["note"], note.cleaned_data["note_key"])
    except Lead.DoesNotExist as error:
        raise Http404 from error
    except (Conflict, Refused) as refusal:
        return _refused(request, pk, refusal)
    return _on_to_next(request, lead, _("Put off."))


@require_POST
def follow_up_undo(request: SignedIn, pk: int) -> HttpResponse:
    """Take back one's last outcome and show its lead again."""
    try:
        done = followup.undo(pk, request.user)
    except (FollowUp.DoesNotExist, Lead.DoesNotExist) as error:
        raise Http404 from error
    except (Conflict, Refused) as refusal:
        follow_up = get_object_or_404(FollowUp, pk=pk, by=request.user)
        return _refused(request, follow_up.lead_id, refusal)
    if not request.htmx:
        return redirect("lead-detail", done.lead_id)
    return toast(_workspace(request, done.lead_id), _("Undone. The lead is as it was before."))


@require_POST
def snooze_undo(request: SignedIn, pk: int) -> HttpResponse:
    """Bring back the lead that was put off last, and show it."""
    try:
        lead = followup.undo_snooze(pk, request.user)
    except (AuditEvent.DoesNotExist, Lead.DoesNotExist) as error:
        raise Http404 from error
    except (Conflict, Refused) as refusal:
        event = get_object_or_404(AuditEvent, pk=pk, actor=request.user)
        return _refused(request, int(event.object_id), refusal)
    if not request.htmx:
        return redirect("lead-detail", lead.pk)
    return toast(_workspace(request, lead.pk), _("Undone. The lead is as it was before."))


@never_cache
@require_POST
def lead_call(request: SignedIn, pk: int) -> HttpResponse:
    """The number, once, as a link that dials; who asked is on record. A blocked customer's number is not given out."""
    try:
        number = calling.number_to_call(pk, request.user)
    except Lead.DoesNotExist as error:
        raise Http404 from error
    except (Conflict, Refused) as refusal:
        return _refused(request, pk, refusal)
    return render(request, "campaigns/leads/_number.html", {"number": number, "lead_id": pk})


def _on_to_next(request: SignedIn, lead: Lead, sentence: str) -> HttpResponse:
    """The next free lead, claimed; when another took it in this very moment, the one after.

    After the last one it is My day, which says what was done and offers to undo it; a toast would go with the page.
    """
    following = _claim_next(request, lead)
    if following is None:
        messages.success(request, sentence)
        return redirect("home")
    if not request.htmx:
        return redirect("lead-detail", following)
    return toast(_workspace(request, following), sentence)


def _claim_next(request: SignedIn, lead: Lead) -> int | None:
    for _attempt in range(5):
        following = queue.next_lead(request.user, after=lead)
        if following is None:
            return None
        try:
            return queue.claim(following.pk, request.user).pk
        except (Conflict, Refused):
            continue
    return None


def _workspace(request: SignedIn, pk: int, status: int = 200, **more: Any) -> HttpResponse:
    """The workspace as a fragment for htmx, under the address of its lead; else a redirect to its page."""
    if not request.htmx:
        return redirect("lead-detail", pk)
    lead = get_object_or_404(workspace.sight(request.user), pk=pk)
    context = workspace.context(request, lead, request.user) | more
    response = render(
        request, "campaigns/leads/_workspace.html", context | {"is_fragment": True}, status=status
    )
    response["HX-Retarget"], response["HX-Reswap"] = "#main", "outerHTML show:none"
    url = reverse("lead-detail", args=[pk])
    if request.htmx.current_url_abs_path != url:
        response["HX-Push-Url"] = url
    return response


def _refused(request: SignedIn, pk: int, refusal: Conflict | Refused) -> HttpResponse:
    """Nothing was changed: said in the verb's words, above the lead as it is now. A note that was typed stays."""
    typed = request.POST.get("note", "")
    if isinstance(refusal, queue.Taken) and request.htmx:
        return _workspace(request, pk, 409, typed=typed)
    if request.htmx and _is_closed_in_sight(request, pk):
        said = _("Nothing was saved. %(why)s") % {"why": refusal}
        return _workspace(request, pk, 409, said=said, typed=typed)
    return _sentence(request, pk, str(refusal), 409 if isinstance(refusal, Conflict) else 422)


def _is_closed_in_sight(request: SignedIn, pk: int) -> bool:
    return Lead.objects.visible_to(request.user).filter(pk=pk).exclude(state__in=Lead.OPEN).exists()


def _sentence(request: SignedIn, pk: int, sentence: str, status: int) -> HttpResponse:
    context = {"sentence": sentence, "lead_id": pk, "typed": request.POST.get("note", "")}
    if request.htmx:
        response = render(request, "campaigns/leads/_said.html", context, status=status)
        response["HX-Retarget"], response["HX-Reswap"] = "#said", "innerHTML"
        return response
    context |= {"note_key": uuid.uuid4()}
    return render(request, "campaigns/leads/refused.html", context, status=status)
