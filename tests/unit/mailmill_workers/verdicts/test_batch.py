import asyncio

from mailmill.findings import Clean, Failed, Found, VirusAnswer
from mailmill_workers.verdicts.answers import write
from mailmill_workers.verdicts.batch import BatchVerdicts

FOUND = Found(("Eicar",))


class Store:
    def __init__(self, **values):
        self.values, self.lookups, self.stored = values, [], []

    def get(self, keys):
        self.lookups.append(sorted(keys))
        return [self.values.get(key) for key in keys]

    def put(self, items):
        self.stored.append(items)


def run(store, *questions, life=lambda answer: 0 if isinstance(answer, Failed) else 60):
    """Ask (key, answer) all at the same time; return the answers and which keys the engine was asked for."""
    asked = []

    async def one(verdicts, key, answer):
        async def ask():
            asked.append(key)
            await asyncio.sleep(0)
            if isinstance(answer, Exception):
                raise answer
            return answer

        return await verdicts.answer(key, VirusAnswer, ask, life)

    async def all_of_them():
        verdicts = BatchVerdicts(store)
        answers = await asyncio.gather(
            *(one(verdicts, *question) for question in questions),
            return_exceptions=True,
        )
        await verdicts.close()
        return answers

    return asyncio.run(all_of_them()), asked


def test_a_batch_is_looked_up_in_one_go_and_kept_in_one_go():
    store = Store()
    answers, _ = run(store, ("a", Clean()), ("b", FOUND), ("c", Clean()))
    assert answers == [(Clean(), False), (FOUND, False), (Clean(), False)]
    assert store.lookups == [["a", "b", "c"]]
    ((items),) = store.stored
    assert {key: (kept.value, kept.life) for key, kept in items.items()} == {
        "a": (write(Clean()), 60),
        "b": (write(FOUND), 60),
        "c": (write(Clean()), 60),
    }


def test_what_is_kept_is_not_asked_and_not_kept_again():
    store = Store(a=write(FOUND))
    answers, asked = run(store, ("a", Clean()), ("b", Clean()))
    assert answers == [(FOUND, True), (Clean(), False)]
    assert asked == ["b"]
    assert [set(items) for items in store.stored] == [{"b"}]


def test_a_damaged_value_is_asked_again_and_replaced():
    store = Store(a=write(FOUND)[:-1])
    assert run(store, ("a", FOUND)) == ([(FOUND, False)], ["a"])
    assert [set(items) for items in store.stored] == [{"a"}]


def test_identical_messages_of_a_batch_are_asked_for_once():
    store = Store()
    answers, asked = run(store, *[("a", FOUND)] * 5)
    assert answers == [(FOUND, False), *[(FOUND, True)] * 4]
    assert asked == ["a"]
    assert store.lookups == [["a"]]


def test_a_failure_is_neither_kept_nor_shared():
    store = Store()
    answers, asked = run(store, *[("a", Failed("down"))] * 3)
    assert answers == [(Failed("down"), False)] * 3
    assert asked == ["a"] * 3
    assert store.stored == []


def test_a_fault_of_one_leaves_the_others_to_ask_for_themselves():
    answers, _ = run(Store(), ("a", ValueError("ours")), ("a", Clean()))
    assert isinstance(answers[0], ValueError)
    assert answers[1] == (Clean(), False)


def test_what_is_kept_counts_only_when_it_would_be_kept():
    answers, asked = run(Store(a=write(Clean())), ("a", FOUND), life=lambda answer: 0)
    assert answers == [(FOUND, False)]
    assert asked == ["a"]


def test_nothing_asked_is_nothing_done():
    store = Store()
    assert run(store) == ([], [])
    assert store.lookups == store.stored == []
