"""The API judge: a video's pictures once, all its open questions in one request, a strict reading, one repair turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from intergeneval.errors import BackendError, BudgetError, ConfigError, RefusedError
from intergeneval.ids import sha256_json, short
from intergeneval.judges import Judgement, JudgeRequest, question_writing, thinking, walking
from intergeneval.judges.cached_answers import evidence_of, pack_said, pack_seen
from intergeneval.judges.inquiries import Found, Inquiry
from intergeneval.judges.openai import cutting, portions
from intergeneval.judges.openai.causes import Cause
from intergeneval.judges.openai.client import AskError, Client, Took
from intergeneval.judges.openai.estimate import estimate_inquiries, estimate_run, expected_tokens
from intergeneval.judges.openai.inquiring import inquire
from intergeneval.judges.openai.jpegs import encode_jpeg, encoded
from intergeneval.judges.openai.link import Reply
from intergeneval.judges.openai.open_video import OpenVideo, going_on, open_of, recall, still_open, within
from intergeneval.judges.openai.probing import PICTURES, probe_request
from intergeneval.judges.openai.requests import Asked, Composer, Shown, part_key
from intergeneval.judges.openai.servers import Servers
from intergeneval.judges.openai.settings import OpenAISettings
from intergeneval.judges.openai.writing import write_questions
from intergeneval.judges.parsing import Reading, Seen
from intergeneval.judges.prompting import JudgePrompts, label
from intergeneval.judges.services import CostEstimate, Services
from intergeneval.records import Answer, AnswerStatus, AnswerValue, Consistency, Question, Sample

PARSER = 2
"""Version of how replies are read; part of the revision."""


class OpenAIJudge:
    """Asks a model behind a server; what it says is taken strictly or not at all."""

    needs_frames = True
    needs_truth = False

    def __init__(self, settings: OpenAISettings, client: Client | None = None, others: Sequence[OpenAISettings] = ()) -> None:
        """`others` are the settings of other servers of the same model: equal but for the address."""
        self.settings = settings
        self.prompts = JudgePrompts(settings.prompts_folder)
        self._everywhere = (settings, *others)
        self.concurrency = sum(item.concurrency for item in self._everywhere)
        self._servers = Servers(self._everywhere, client)

    @property
    def id(self) -> str:
        """``openai:MODEL``."""
        return f"openai:{self.settings.model}"

    @property
    def revision(self) -> str:
        """Prompts, reading, sampling parameters and the user's own name for what is served."""
        sampling = short(sha256_json(dict(self.settings.parameters)))
        own = f" {self.settings.revision}" if self.settings.revision else ""
        return f"prompts {self.prompts.version}, parser {PARSER}, parameters {sampling}{self.settings.looking}{own}"

    @property
    def wants_clip(self) -> bool:
        """Whether the whole video is shown, where the server takes one."""
        return self.settings.clip

    @property
    def bodies_revision(self) -> str:
        """Version of the words that ask for bodies that cannot be. Raises ConfigError for an own ``ask`` without them."""
        return self.prompts.bodies_version

    def attach(self, services: Services) -> None:
        """Use the run's cache, cost limit and notices. Raises ConfigError for a limit without a price table."""
        if services.budget.limit is not None and self.settings.prices is None:
            raise ConfigError(
                "max_cost needs [settings.openai.prices] with input and output, what a million tokens cost, to know when to stop"
            )
        self._servers.attach(services)

    def close(self) -> None:
        """Close connections."""
        self._servers.close()

    def probe(self) -> str:
        """Ask the server two questions as a run does, for ``intergeneval doctor``; return what it serves.

        One request, with as many small pictures as a video shows (or several, where the server takes fewer), and a second turn
        where the reply is faulty; sent once each, not repeated where the server is busy. Raises BackendError where no answer can
        be read, in the words in which a run would.
        """
        return self._probed_everywhere(assess=False)

    def probe_assessing(self) -> str:
        """Do the same for a run in which the judge says what emerged and disappeared. Raises BackendError."""
        return self._probed_everywhere(assess=True)

    def _probed_everywhere(self, *, assess: bool) -> str:
        """Ask every server. Raises BackendError naming the first that is no use, where there are several."""
        found = []
        for settings in self._everywhere:
            try:
                found.append(self._probed(settings, assess=assess))
            except BackendError as error:
                if len(self._everywhere) == 1:
                    raise
                raise BackendError(f"{settings.place}: {error}") from None
        return "; ".join(found)

    @staticmethod
    def _probed(settings: OpenAISettings, *, assess: bool) -> str:
        other = OpenAIJudge(replace(settings, attempts=1))
        try:
            judged = other.judge(probe_request(assess=assess))
            (server,), most = other._servers.known(), other._servers.most_pictures()
        finally:
            other.close()
        lines: list[Answer | Consistency] = [*judged.answers, *([judged.consistency] if judged.consistency is not None else [])]
        open_ = [line for line in lines if line.status is not AnswerStatus.OK]
        if open_:
            why = open_[0].reason or "the model said nothing that can be read"
            raise BackendError(f"{len(open_)} of {len(lines)} things asked could not be scored ({open_[0].status}): {why}")
        usage = lines[0].usage
        served = next(iter(usage.get("served", {})), "a model it does not name")
        taken = f"{most} pictures a request" if 0 < most < PICTURES else f"{PICTURES} pictures"
        shown = "and a JSON schema" if server.json_schema else "but refuses JSON schemas"
        requests = usage.get("requests", 0)
        return (
            f"{settings.place} serves {served}: takes {taken} {shown}; its reply could be scored "
            f"({requests} request{'s' if requests != 1 else ''})"
        )

    def declines(self, question: Question) -> str | None:  # noqa: ARG002  # the protocol's signature
        """Return None: it looks at pictures and can try every question."""
        return None

    def estimate(self, videos: int, questions: int, frames: int, *, assess: bool, bodies: bool = False) -> CostEstimate:
        """Return what asking `questions` questions over `videos` videos of `frames` pictures each may take without a cache."""
        return estimate_run(self.settings, self.prompts, (videos, questions, frames), assess=assess, bodies=bodies)

    def estimate_wording(self, words: Sequence[tuple[str, str, str]]) -> CostEstimate:
        """Return what wording questions for each (verb, subject, object) may take without a cache. Raises ConfigError."""
        return estimate_inquiries(self.settings, [question_writing.inquiry(self.prompts, item) for item in words])

    def write_questions(self, sample: Sample, interaction: int, names: tuple[str, str]) -> tuple[str, ...]:
        """Return ten questions about an interaction. Raises BackendError when the model gives none that can be used."""
        return write_questions(self._servers, self.settings, self.prompts, (sample.interactions[interaction].verb, *names))

    @property
    def inquirer(self) -> str:
        """Model, sampling parameters and the user's own name for what is served."""
        sampling = short(sha256_json(dict(self.settings.parameters)))
        own = f" {self.settings.revision}" if self.settings.revision else ""
        return f"{self.id}, parameters {sampling}{own}"

    def inquire(self, inquiry: Inquiry) -> Found:
        """Ask a question beside the ten. Raises InquiryError when no usable answer comes, BudgetError at the cost limit."""
        return inquire(self._servers, self.settings, inquiry)

    def answer(self, request: JudgeRequest) -> list[Answer]:
        """Answer every question of the request. Raises BackendError when tracking failed, BudgetError at the cost limit."""
        return self.judge(request).answers

    def judge(self, request: JudgeRequest) -> Judgement:
        """Answer every question, and assess where asked, from the cache and one request. Raises as `answer` does."""
        if request.tracks.status != "ok":
            raise BackendError(f"tracking failed: {request.tracks.reason or 'the tracker gave no reason'}")
        if self.settings.clip and request.clip is None:
            raise BackendError(
                f"{request.sample.id}: the whole video was not handed over, and clip in [settings.openai] asks for it"
            )
        jpegs = request.jpegs if request.jpegs is not None else encoded(request)
        plain = request.plain_jpeg
        if plain is None and request.plain is not None:
            plain = encode_jpeg(request.plain())
        whole, took = Shown.of(request, jpegs, plain), Took()
        work = self._begun(request, whole)
        if work.asked.anything:
            shown = self._fitting(whole)
            work = self._begun(request, shown)
            while not self._try(work, request, (shown, whole), took):
                # The server said how many pictures it takes, fewer each time; what was paid for before stays.
                shown = self._fitting(whole)
                work = going_on(work, self._begun(request, shown), shown)
        return self._judgement(request, work, took)

    def _begun(self, request: JudgeRequest, shown: Shown) -> OpenVideo:
        """Return all that is open before anything is known."""
        look = self.prompts.look(shown.jpegs, assess=request.assess is not None, questions=bool(request.questions))
        asked = Asked(questions=list(request.questions), look=look, bodies=request.bodies)
        return OpenVideo(asked=asked, look=look, said={}, seen=None, cached=set())

    def _fitting(self, whole: Shown) -> Shown:
        return portions.thinned(whole, self._servers.most_pictures()) if self.settings.beyond == "fewer" else whole

    def _try(self, work: OpenVideo, request: JudgeRequest, views: tuple[Shown, Shown], took: Took) -> bool:
        """Take what is known and ask the rest; False where the server named a number of pictures that it was not known to have.

        `views` are what is shown now, and all there is. Raises BudgetError before the first request only.
        """
        shown, whole = views
        composer = Composer(self.settings, self.prompts, request.sample, shown)
        self._recall(work, composer, request.repeat)
        if not work.asked.anything:
            return True
        cap = self._servers.most_pictures()
        turns = portions.pieces(shown, cap)
        work.shown = portions.told(shown, whole, len(turns), cap)
        try:
            self._ask(work, composer, turns, request.repeat, took)
        except AskError as error:
            if isinstance(error, portions.CapError):
                return False
            declined = error.refusal is not None and error.refusal.cause is Cause.FILTER
            work.status = AnswerStatus.REFUSED if declined else AnswerStatus.FAILED
            work.kind, work.reason = error.kind, str(error)
        except (BudgetError, RefusedError):
            if not took.served:
                raise
            # The first reply is paid for and kept; what it left open stays unparsed, and a resume asks again.
        return True

    def _recall(self, work: OpenVideo, composer: Composer, repeat: int) -> None:
        """Take what the cache knows and leave the rest open."""
        cache = self._servers.services.cache
        if cache is None:
            return
        for server in self._servers.known():
            # What any of them said counts: they serve the same.
            recall(work, cache, composer.keys(work.asked, server, repeat), composer.seen_keys(work.asked, server, repeat))
            work.asked = still_open(work)

    def _ask(self, work: OpenVideo, composer: Composer, turns: Sequence[Shown], repeat: int, took: Took) -> None:
        """Ask what is open: frames in turns where they do not fit into one request, and with the last of them the questions."""
        for shown in turns[:-1]:
            if work.asked.look is not None:
                part = within(Asked(questions=[], look=work.asked.look, bodies=work.asked.bodies), shown)
                if part.anything:
                    self._exchange(work, (self._view(composer, shown), composer), part, repeat, took)
        if work.asked.anything:
            view = composer if len(turns) == 1 else self._view(composer, turns[-1])
            last = within(work.asked, turns[-1])
            if last.anything:
                self._exchange(work, (view, composer), last, repeat, took)

    def _view(self, composer: Composer, shown: Shown) -> Composer:
        return Composer(self.settings, self.prompts, composer.sample, shown, composer.frames)

    def _exchange(self, work: OpenVideo, composers: tuple[Composer, Composer], asked: Asked, repeat: int, took: Took) -> None:
        """Ask once and, where the reply is faulty, once more.

        Of the `composers` the first writes what is sent, the second knows all frames and makes the keys.
        """
        composer = composers[0]
        messages = composer.messages(asked)
        reply = self._send(composer, messages, asked, took)
        reading = self._take(work, composers, asked, reply, repeat)
        work.asked = still_open(work)
        rest = open_of(asked, work, composer.shown)
        if reply.refused or not rest.anything:
            return
        if reply.cut:
            # What a reply left open that was cut off is asked for by itself and with more room; as before where there is none.
            messages = composer.messages(rest)
            again, room = cutting.with_room(lambda room: self._send(composer, messages, rest, took, room=room))
            self._take(work, composers, rest, again, repeat, room=room)
        else:
            text = self.prompts.render("repair", {"problems": reading.problems, "again": composer.text(rest)})
            said = thinking.without_thinking(reply.text) or "(nothing)"
            more = [{"role": "assistant", "content": said}, {"role": "user", "content": text}]
            again = self._send(composer, [*messages, *more], rest, took)
            self._take(work, composers, rest, again, repeat)
        work.asked = still_open(work)

    def _send(
        self, composer: Composer, messages: Sequence[Mapping[str, Any]], asked: Asked, took: Took, *, room: bool = False
    ) -> Reply:
        prices = self.settings.prices
        tokens = expected_tokens(self.settings, messages, len(asked.questions), len(asked.frames), bodies=asked.bodies)
        cost = prices.cost(tokens[0], 0, tokens[1]) if prices is not None else 0.0

        def compose(json_schema: bool) -> Mapping[str, Any]:
            return composer.payload(messages, asked, json_schema=json_schema, room=room)

        return self._servers.send(compose, cost, took, pictures=composer.shown.pictures, trial=room)

    def _take(
        self,
        work: OpenVideo,
        composers: tuple[Composer, Composer],
        asked: Asked,
        reply: Reply,
        repeat: int,
        *,
        room: bool = False,
    ) -> Reading:
        """Keep the usable parts of a reply, in the cache as well; `room` says that it had more than the settings give."""
        if reply.refused:
            work.status, work.kind, work.reason = AnswerStatus.REFUSED, "refusal", "the model declined to answer"
            return Reading()
        view, composer = composers
        reading = walking.read(
            reply.text,
            asked.labels,
            composer.frames,
            asked.look,
            composer.sample.instances,
            bodies=asked.bodies,
            cut=reply.cut,
        )
        problems = [*([cutting.told(self.settings.parameters, room=room)] if reply.cut else []), *reading.problems]
        work.kind = cutting.KIND if reply.cut else "reply"
        work.reason = self._servers.clean("; ".join(problems[:3]))
        work.said.update(reading.answers)
        seen = {**work.part, **reading.frames}
        whole = asked.look is not None and work.look is not None and set(seen) == set(work.look.frames)
        keep = reply.cut or view is not composer
        if whole:
            work.seen = seen
        elif keep:
            work.part = seen
        cache = self._servers.services.cache
        if cache is not None:
            sought = replace(asked, look=work.look if asked.look is not None else None)
            keys = composer.keys(sought, reply.server, repeat)
            for name, said in reading.answers.items():
                cache.put(keys[name], self.id, pack_said(said, self._servers.clean))
            if whole:
                cache.put(keys[""], self.id, pack_seen(seen, self._servers.clean))
            elif keep and reading.frames:
                cache.put(part_key(keys[""]), self.id, pack_seen(seen, self._servers.clean))
        return reading

    def _judgement(self, request: JudgeRequest, work: OpenVideo, took: Took) -> Judgement:
        """Put everything into records; what the requests took stands on the first of them, and on no other."""
        answers = [self._record(request, question, work) for question in request.questions]
        consistency = self._consistency(request.assess, work) if request.assess is not None else None
        usage = took.usage()
        if usage and work.shown:
            usage = {**usage, "shown": work.shown}
        if usage and answers:
            answers[0] = replace(answers[0], usage={**answers[0].usage, **usage})
        elif usage and consistency is not None:
            consistency = replace(consistency, usage={**consistency.usage, **usage})
        return Judgement(answers=answers, consistency=consistency)

    def _record(self, request: JudgeRequest, question: Question, work: OpenVideo) -> Answer:
        name = label(question)
        said = work.said.get(name)
        if said is None:
            return request.reply(question, self.id, work.status, reason=work.reason, usage={"kind": work.kind})
        seen = work.seen
        if said.value is AnswerValue.YES and seen is None and self.prompts.walks and work.look is not None:
            # What it is worth depends on what its frame shows; the answer itself is in the cache.
            reason = work.reason or "nothing was said of what the frames show"
            return request.reply(question, self.id, work.status, reason=reason, usage={"kind": work.kind})
        usage = {"cached": True} if name in work.cached else {}
        reason = self._servers.clean(said.reason)
        evidence = evidence_of(said, seen, question, self._servers.clean)
        return request.reply(
            question, self.id, AnswerStatus.OK, value=said.value, frame=said.frame, reason=reason, usage=usage, evidence=evidence
        )

    def _consistency(self, base: Consistency, work: OpenVideo) -> Consistency:
        seen, who = work.seen, self.id
        if seen is None:
            return replace(
                base,
                states=None,
                emergence=None,
                disappearance=None,
                assessors={"emergence": who, "disappearance": who},
                reasons=(),
                status=work.status,
                reason=work.reason,
                usage={"kind": work.kind},
            )
        # Where a server takes fewer pictures, fewer frames were looked at, and these alone are spoken of.
        frames = tuple(frame for frame in base.frames if frame in seen)
        found = [seen[frame] for frame in frames]
        bodies = all(item.impossible is not None for item in found)
        return replace(
            base,
            frames=frames,
            states=None,
            emergence=tuple(item.emerged for item in found),
            disappearance=tuple(bool(item.missing) for item in found),
            implausible=tuple(item.impossible for item in found) if bodies else None,
            assessors={"emergence": who, "disappearance": who, **({"implausible": who} if bodies else {})},
            reasons=tuple(self._servers.clean(_told(item)) for item in found),
            usage={"cached": True} if "" in work.cached else {},
        )


def _told(seen: Seen) -> str:
    parts = [f"missing: {', '.join(seen.missing)}"] if seen.missing else []
    parts += ["something emerged"] if seen.emerged else []
    parts += ["a body or thing that cannot be"] if seen.impossible else []
    return "; ".join([*parts, *([seen.reason] if seen.reason else [])]) if parts else ""
