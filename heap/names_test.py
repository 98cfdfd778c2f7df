"""heap/README.md maps the seed's names to this folder's: every name has a row, every row's symbol exists.

Also: every fatal error has a test.
"""

import re
import unittest
from pathlib import Path

HERE = Path(__file__).parent

# The functions, types and what else is declared in the runtime's mheap.go, in its order.
SEED = """
minPhysPageSize mheap mheap_ mSpanState mSpanStateNames mSpanList mspan mspan.base mspan.layout
recordspan spanClass numSpanClasses tinySpanClass makeSpanClass spanClass.sizeclass spanClass.noscan
inheap inHeapOrStack spanOf spanOfUnchecked mlookup mheap.init mheap.setArenaUsed mheap.mapSpans
mheap.reclaimList mheap.reclaim mheap.alloc_m mheap.alloc mheap.allocManual mheap.allocSpanLocked
mheap.isLargeSpan mheap.allocLarge mheap.grow mheap.lookup mheap.lookupMaybe mheap.freeSpan
mheap.freeManual mheap.freeSpanLocked mheap.freeList mheap.busyList scavengeTreapNode scavengelist
mheap.scavenge runtime_debug_freeOSMemory mspan.init mspan.inList mSpanList.init mSpanList.remove
mSpanList.isEmpty mSpanList.insert mSpanList.insertBack mSpanList.takeAll _KindSpecialFinalizer
_KindSpecialProfile special addspecial removespecial specialfinalizer addfinalizer removefinalizer
specialprofile setprofilebucket freespecial gcBits gcBits.bytep gcBits.bitp gcBitsChunkBytes
gcBitsHeaderBytes gcBitsHeader gcBitsArena gcBitsArenas gcBitsArena.tryAlloc newMarkBits newAllocBits
nextMarkBitArenaEpoch newArenaMayUnlock
""".split()

ROW = re.compile(r"^\| `([^`|]+)` \| ([^|]+) \| ([^|]*)\|$", re.MULTILINE)
COMMENT = re.compile(r"//[^\n]*")


def sources():
    """The code of this folder without tests, models and comments, by file."""
    found = {}
    for folder in (HERE, HERE / "pages"):
        for path in sorted(folder.glob("*")):
            if path.suffix in (".h", ".cc") and not path.stem.endswith("_test") and path.stem != "fakes":
                found[path.name] = COMMENT.sub("", path.read_text())
    return found


def exists(symbol, code):
    """Whether all parts of a name such as Heap::Sweep occur together in one file."""
    parts = [re.compile(r"\b" + re.escape(part) + r"\b") for part in symbol.split("::")]
    return any(all(part.search(text) for part in parts) for text in code.values())


class NamesTest(unittest.TestCase):
    def setUp(self):
        self.rows = ROW.findall((HERE / "README.md").read_text())
        self.code = sources()

    def test_sources_are_here(self):
        self.assertIn("heap.h", self.code)
        self.assertIn("go110.cc", self.code)

    def test_every_name_of_the_seed_has_one_row(self):
        names = [name for name, _, _ in self.rows]
        self.assertEqual(len(names), len(set(names)), "a name has two rows")
        self.assertEqual([], [name for name in SEED if name not in names])

    def test_every_symbol_exists(self):
        for name, ours, note in self.rows:
            with self.subTest(name):
                if ours.strip() == "-":
                    self.assertRegex(note, "^not carried over: .+")
                    continue
                symbols = re.findall("`([^`]+)`", ours)
                self.assertTrue(symbols, f"{name}: no symbol")
                # Names in the note are promises too.
                for symbol in symbols + re.findall("`((?:Heap|Treap|Os|Observer|HeapOptions)::[^`]+)`", note):
                    self.assertTrue(exists(symbol, self.code), f"{name}: {symbol} is gone")

    def test_a_missing_symbol_is_noticed(self):
        self.assertTrue(exists("Heap::Sweep", self.code))
        self.assertFalse(exists("Heap::Swept", self.code))
        self.assertFalse(exists("Nowhere", self.code))

    def test_every_fatal_error_is_tested(self):
        enum = re.search(r"enum class FatalCode[^{]*\{(.*?)\};", (HERE / "fatal.h").read_text(), re.DOTALL)
        codes = re.findall(r"^\s*(k\w+),", enum.group(1), re.MULTILINE)
        self.assertGreater(len(codes), 30)
        tests = (HERE / "fatal_test.cc").read_text()
        self.assertEqual([], [code for code in codes if f"FatalCode::{code}" not in tests])


if __name__ == "__main__":
    unittest.main()
