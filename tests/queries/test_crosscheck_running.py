"""A process that runs, held against what its files say today, some of which have changed since it was started."""

import pytest

from procmem.model.program_files import ProgramFiles
from procmem.model.simulation import PAGE, KernelKind
from procmem.queries import crosscheck_process
from procmem.queries.crosscheck import check_process
from procmem.queries.predict_program import program_files
from procmem.sources.live import ProcSource
from procmem.text.simulate import note_text
from tests.support.running import started
from tests.support.simulated_support import need_kernel


@pytest.mark.parametrize("more", [-3, 5])
def test_a_cache_of_another_size_is_found_and_told(more: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """ld.so.cache is written anew when libraries are installed: the libraries lie where its old size put them."""
    need_kernel(KernelKind.X86_64)
    read = program_files

    def resized(*given: object) -> ProgramFiles:
        files = read(*given)  # type: ignore[arg-type]  # handed on as they come
        return files._replace(cache_size=max(files.cache_size + more * PAGE, 1))

    with started(["/bin/sh", "-c", "echo ready; read line"]) as child, ProcSource().open(child.pid) as target:
        before = check_process(target, live=True)
        monkeypatch.setattr(crosscheck_process, "program_files", resized)
        after = check_process(target, live=True)
        assert before.exact is not None
        assert after.exact is not None
        assert before.exact.holds
        assert after.exact.holds
        assert [line.real for line in after.exact.lines] == [line.real for line in before.exact.lines]
        told = [note_text(note) for note in after.exact.prediction.notes]
        assert [text for text in told if text.startswith("/etc/ld.so.cache had")]
        assert not before.exact.prediction.notes
        monkeypatch.setattr(crosscheck_process, "_CACHE_PAGES_MAX", 0)
        wrong = check_process(target, live=True)
        assert wrong.exact is not None
        assert not wrong.exact.holds
