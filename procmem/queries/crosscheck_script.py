"""``crosscheck run --script``: the steps of a script in a real process beside the simulated one.

The program is predicted up to ``main`` and the script is simulated; then the program is started, stopped at ``main``,
and made to do the same steps, one after another (:mod:`procmem.tracing.injected`). After each the maps are compared.
"""

from collections.abc import Iterator, Mapping

from procmem.analyse.crosscheck import compare, step_values
from procmem.errors import BadInput, BadScript
from procmem.model.auxv import AT_BASE, AT_ENTRY
from procmem.model.elf import PF_X
from procmem.model.note import Note, note
from procmem.model.program_files import ProgramFiles, ProgramObject
from procmem.model.reports.crosscheck import CrossReport, RealLine, RealSpace
from procmem.model.script import ScriptAction, ScriptReport, StepReport
from procmem.model.simulation import PAGE, Prediction, Settings, Stage
from procmem.parse.symbols import function_addresses
from procmem.queries.crosscheck_program import auxiliary_vector, seen_at, with_draws
from procmem.queries.predict_program import files_for_script
from procmem.simulate.arch.abis import abi_of
from procmem.simulate.kernel.personality import personality
from procmem.simulate.programs.predict import after, predict, start
from procmem.simulate.script.language import OPENS, read_action
from procmem.simulate.script.run import Moment, parse_script, run_script
from procmem.sources.object_file import open_file
from procmem.tracing.injected import CODE_BYTES, Injected
from procmem.tracing.script_steps import FUNCTIONS, RealSteps
from procmem.tracing.stages import go_to_stage
from procmem.tracing.tracee import Started, Tracee, how_ended

__all__ = ["crosscheck_script"]


def crosscheck_script(files: ProgramFiles, settings: Settings, text: str) -> ScriptReport:
    """Do a script in the simulator and in a real process of the program.

    Raises:
        BadScript: a line of it cannot be understood or done.
        BadInput: the program does not come to ``main``, or has no such function.
        CannotStart: tracing our own child is forbidden here.
    """
    steps = parse_script(text)
    if not steps:
        raise BadInput("no-steps")
    files = files_for_script(files, settings, steps)
    prediction = predict(files, settings, Stage.MAIN)
    if prediction.failure is not None:
        raise BadInput("exec-failed", failure=prediction.failure)
    how = Started(settings.exec_path, settings.argv, settings.env, personality(settings), settings.stack_limit)
    with Tracee(how) as child:
        if not child.alive:
            raise BadInput("not-at-main", reason=note("refused") if child.refused else how_ended(child.ended))
        first_sp = child.registers().sp
        vector = auxiliary_vector(child)
        filled = with_draws(files, settings, seen_at(child, Stage.EXEC))
        real = _at_main(child, files, vector, first_sp)
        at_main = predict(files, filled, Stage.MAIN)
        main = compare(at_main, real, draws=filled.draws)
        running = start(files, filled, Stage.MAIN)
        moments = run_script(running, steps, cpus=settings.facts.cpus)
        reports = []
        objects = [*_objects(files, vector, real)]
        with _player(child, objects, first_sp, abi_of(settings.kernel).bits) as player:
            for moment in moments:
                wanted = after(at_main, moment.running or running, moment.space)
                reports.append(_step(child, player, moment, wanted))
                if moment.has_ended or not child.alive or reports[-1].report.unchecked is not None:
                    break
    return ScriptReport(main, tuple(reports))


def _at_main(child: Tracee, files: ProgramFiles, vector: Mapping[int, int], first_sp: int) -> RealSpace:
    entry = vector.get(AT_ENTRY, 0)
    main, has_linker = files.program.main_at(entry), bool(vector.get(AT_BASE))
    for stage in (Stage.ENTRY, Stage.MAIN):
        stopped = go_to_stage(child, stage, entry=entry, has_linker=has_linker, main=main, first_sp=first_sp)
        if stopped is not None:
            raise BadInput("not-at-main", reason=stopped.ended or stopped.unchecked)
    return seen_at(child, Stage.MAIN)


def _objects(files: ProgramFiles, vector: Mapping[int, int], real: RealSpace) -> Iterator[tuple[ProgramObject, int]]:
    """What is loaded, in the order in which functions are looked for, and by how much it was moved."""
    yield files.program, vector[AT_ENTRY] - files.program.image.entry
    for library in files.libraries:
        yield library, _bias(library, real.lines)
    if files.interpreter is not None:  # musl's linker is its C library
        yield files.interpreter, vector.get(AT_BASE, 0) - files.interpreter.image.loads[0].vaddr // PAGE * PAGE


def _player(child: Tracee, objects: list[tuple[ProgramObject, int]], first_sp: int, bits: int) -> RealSteps:
    """The program, ready to do steps: our code where it has room, and where its functions are."""
    place = next((found for loaded, bias in objects if (found := _room(loaded, bias)) is not None), None)
    if place is None:
        raise BadInput("no-room-for-code")
    functions: dict[str, int] = {}
    for loaded, bias in reversed(objects):  # of the first object that has one
        functions |= {name: bias + address for name, address in _functions(loaded).items()}
    return RealSteps(child, Injected(child, place, bits=bits), functions, first_sp=first_sp)


def _room(loaded: ProgramObject, bias: int) -> int | None:
    """Where code fits into the last page of an object's code, behind all that is used of it."""
    for segment in loaded.image.loads:
        end = bias + segment.vaddr + segment.memsz
        if segment.flags & PF_X and -end % PAGE >= CODE_BYTES:
            return end
    return None


def _functions(loaded: ProgramObject) -> dict[str, int]:
    opened = open_file(loaded.real)
    wanted = {name for names in FUNCTIONS.values() for name in names}
    return {} if opened is None else function_addresses(opened.reader, wanted)


def _bias(library: ProgramObject, lines: tuple[RealLine, ...]) -> int:
    start = min((line[0] for line in lines if line[4] == library.real), default=0)
    return start - library.image.loads[0].vaddr // PAGE * PAGE


def _step(child: Tracee, player: RealSteps, moment: Moment, wanted: Prediction) -> StepReport:
    action = read_action(moment.step)
    try:
        given = player.do(action)
    except BadInput as error:
        raise BadScript(moment.step.line, error.code, **error.fields) from error
    values = step_values(action, moment.outcome, given)
    unchecked = _unforeseen(child, player, action, moment)
    report = _report(child, moment, wanted) if unchecked is None else CrossReport(wanted, (), unchecked=unchecked)
    return StepReport(moment.step.line, moment.step.text, moment.outcome, values, report)


def _unforeseen(child: Tracee, player: RealSteps, action: ScriptAction, moment: Moment) -> Note | None:
    """Why a library is not there, or the program is not, where no layout decides: a missing symbol, or its code."""
    if action.verb != OPENS or moment.outcome is not None:
        return None
    if not child.alive:
        return note("ended-in-constructor", how=how_ended(child.ended))
    return note("dlopen-refused", reason=player.refusal) if player.refusal is not None else None


def _report(child: Tracee, moment: Moment, wanted: Prediction) -> CrossReport:
    predicted = moment.outcome if moment.has_ended else None
    ended: Note | None = None if child.alive else how_ended(child.ended)
    if predicted is not None or ended is not None:
        return CrossReport(wanted, (), failures=(predicted, ended))
    return compare(wanted, seen_at(child, Stage.MAIN))
