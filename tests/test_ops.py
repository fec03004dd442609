"""Every row of OPS against torch.autograd, finite differences and hand arithmetic.

A row added to OPS is tested at once on its own sample inputs.
"""

import json
import math
import operator
import re

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from pcgraph import ops
from pcgraph.errors import OpError
from pcgraph.messages import table
from pcgraph.ops import OPS, apply, attr_names, check_arity, defop, pull_back, rule, tree

DESIGN = [
    *["add", "sub", "mul", "div", "neg", "pow", "square", "sqrt", "exp", "log", "sin", "cos", "tan", "tanh", "sigmoid"],
    *["relu", "leaky_relu", "softplus", "gelu", "silu", "abs", "minimum", "maximum", "matmul", "linear", "conv2d"],
    *["sum", "mean", "softmax", "log_softmax", "layer_norm", "reshape", "transpose", "concat", "select", "identity"],
]
OF_TWO = ["add", "sub", "mul", "div", "pow", "minimum", "maximum"]

# Rows that other modules or users add (imported networks, category custom) are theirs to test.
ROWS = {name: op for name, op in OPS.items() if op.category != "custom" and "." not in name}
SAMPLES = [
    pytest.param(op, inputs, attrs, id=f"{op.name}-{i}")
    for op in ROWS.values()
    for i, (inputs, attrs) in enumerate(op.sample_inputs)
]
every_sample = pytest.mark.parametrize("op, inputs, attrs", SAMPLES)
every_op = pytest.mark.parametrize("op", ROWS.values(), ids=ROWS)


def number(value, **kind):
    return torch.tensor(value, **{"dtype": torch.float64} | kind)


def some_cotangent(output):
    draw = torch.Generator().manual_seed(7)
    return torch.randn(output.shape, generator=draw, dtype=torch.float64).to(output.dtype)


def autograd(op, cotangent, inputs, attrs):
    slots = [x.clone().requires_grad_() for x in inputs]
    return torch.autograd.grad(op.forward(*slots, **attrs), slots, cotangent)


def pulled(name, cotangent, *inputs, **attrs):
    op = OPS[name]
    return pull_back(op, cotangent, op.forward(*inputs, **attrs), inputs, attrs)


@pytest.fixture
def clean_ops():
    before = dict(OPS)
    yield
    OPS.clear()
    OPS.update(before)


# ---------------------------------------------------------------- the table


def test_ops_holds_exactly_the_names_of_the_design():
    assert sorted(ROWS) == sorted(DESIGN)


@every_op
def test_every_row_is_whole(op):
    assert OPS[op.name] is op
    assert op.vjp is not None and op.formula and op.partials and op.sample_inputs
    assert 1 <= len(op.symbol) <= 6
    assert op.category in ops.CATEGORIES and op.category != "custom"
    assert {f"op.{op.name}", f"op.category.{op.category}"} <= set(table())


@every_op
def test_every_number_of_inputs_is_sampled(op):
    least, most = op.arity if isinstance(op.arity, tuple) else (op.arity, op.arity)
    sampled = {len(inputs) for inputs, _ in op.sample_inputs}
    assert sampled >= set(range(least, (most or 3) + 1))


@every_op
def test_samples_are_float64_and_go_beyond_single_numbers(op):
    tensors = [x for inputs, _ in op.sample_inputs for x in inputs]
    assert all(x.dtype == torch.float64 for x in tensors)
    assert any(x.dim() for x in tensors)


def test_every_op_of_two_elementwise_inputs_is_sampled_with_broadcasting():
    for name in OF_TWO:
        assert any(x.shape != y.shape for (x, y), _ in OPS[name].sample_inputs), name


def test_samples_are_the_same_on_every_import():
    first, again = (ops.samples([(2, 3)], seed=3)[0][0][0] for _ in range(2))
    assert torch.equal(first, again)


# ---------------------------------------------------------------- cotangents


@every_sample
def test_vjp_equals_autograd(op, inputs, attrs):
    output = op.forward(*inputs, **attrs)
    ct = some_cotangent(output)
    found = pull_back(op, ct, output, inputs, attrs)
    for mine, reference in zip(found, autograd(op, ct, inputs, attrs), strict=True):
        torch.testing.assert_close(mine, reference, rtol=1e-12, atol=1e-12)


@every_sample
def test_vjp_equals_central_finite_differences(op, inputs, attrs):
    output = op.forward(*inputs, **attrs)
    ct, h = some_cotangent(output), 1e-6
    for slot, mine in enumerate(pull_back(op, ct, output, inputs, attrs)):
        for entry in range(inputs[slot].numel()):
            ends = []
            for move in (h, -h):
                moved = [x.clone() for x in inputs]
                moved[slot].view(-1)[entry] += move
                ends.append((ct * op.forward(*moved, **attrs)).sum().item())
            slope = (ends[0] - ends[1]) / (2 * h)
            assert mine.reshape(-1)[entry].item() == pytest.approx(slope, rel=1e-6, abs=1e-6)


@every_sample
def test_cotangents_have_the_shape_and_type_of_their_inputs(op, inputs, attrs):
    output = op.forward(*inputs, **attrs)
    found = pull_back(op, some_cotangent(output), output, inputs, attrs)
    assert [(ct.shape, ct.dtype) for ct in found] == [(x.shape, x.dtype) for x in inputs]


@every_sample
def test_only_wanted_slots_are_filled_and_with_the_same_numbers(op, inputs, attrs):
    output = op.forward(*inputs, **attrs)
    ct = some_cotangent(output)
    whole = pull_back(op, ct, output, inputs, attrs)
    for slot, mine in enumerate(whole):
        wanted = [i == slot for i in range(len(inputs))]
        part = pull_back(op, ct, output, inputs, attrs, wanted)
        assert [x is not None for x in part] == wanted
        torch.testing.assert_close(part[slot], mine, rtol=1e-14, atol=1e-14)


@every_sample
def test_forward_and_vjp_leave_their_inputs_alone(op, inputs, attrs):
    before = [x.clone() for x in inputs]
    output = op.forward(*inputs, **attrs)
    ct = some_cotangent(output)
    kept = output.clone(), ct.clone()
    pull_back(op, ct, output, inputs, attrs)
    assert all(map(torch.equal, [*before, *kept], [*inputs, output, ct]))


@st.composite
def two_shapes(draw):
    whole = draw(st.lists(st.integers(1, 3), max_size=4))

    def part():
        kept = whole[draw(st.integers(0, len(whole))) :]
        return [1 if draw(st.booleans()) else size for size in kept]

    return part(), part()


@settings(max_examples=60)
@given(two_shapes(), st.sampled_from(OF_TWO), st.integers(0, 99))
def test_any_two_shapes_that_broadcast_give_autograds_cotangents(shapes, name, seed):
    ((inputs, attrs),) = ops.samples(shapes, seed=seed, positive=True)
    output = OPS[name].forward(*inputs)
    ct = some_cotangent(output)
    found = pull_back(OPS[name], ct, output, inputs, attrs)
    for mine, reference in zip(found, autograd(OPS[name], ct, inputs, attrs), strict=True):
        torch.testing.assert_close(mine, reference, rtol=1e-12, atol=1e-12)


# ---------------------------------------------------------------- bits

ROW_WISE = ["sum", "mean", "softmax", "log_softmax", "layer_norm"]
LARGER = {  # long enough for the processor's vector instructions and their remainders
    name: ops.samples([(37, 19)] * OPS[name].arity, seed=5, positive=OPS[name].domain is not None)
    for name in DESIGN
    if OPS[name].category in ("arithmetic", "power", "trigonometric", "activation", "comparison")
}
LARGER["matmul"] = ops.samples([(37, 19), (19, 23)], [(5, 37, 19), (19, 23)], seed=5)
LARGER["linear"] = ops.samples([(37, 19), (23, 19), (23,)], seed=5)
LARGER["conv2d"] = ops.samples([(4, 3, 17, 17), (8, 3, 3, 3), (8,)], seed=5, padding=1)
LARGER |= {name: ops.samples([(37, 19)], seed=5) for name in ROW_WISE}


@pytest.mark.parametrize("name", DESIGN)
def test_float32_cotangents_equal_autograd_bit_for_bit(name):
    op = OPS[name]
    for inputs, attrs in (*op.sample_inputs, *LARGER.get(name, ())):
        single = [x.float() for x in inputs]
        output = op.forward(*single, **attrs)
        ct = some_cotangent(output)
        found = pull_back(op, ct, output, single, attrs)
        assert all(map(torch.equal, found, autograd(op, ct, single, attrs)))


# ---------------------------------------------------------------- kinks and edges


@pytest.mark.parametrize("name, expected", [("relu", 0.0), ("abs", 0.0), ("leaky_relu", 0.01)])
def test_cotangent_at_a_kink_is_torchs(name, expected):
    (mine,) = pulled(name, number(1.0), number(0.0))
    assert mine.item() == expected


@pytest.mark.parametrize("name", ["minimum", "maximum"])
def test_tied_inputs_share_the_cotangent(name):
    assert [x.item() for x in pulled(name, number(3.0), number(2.0), number(2.0))] == [1.5, 1.5]


def test_maximum_and_minimum_send_the_cotangent_to_the_winner():
    assert [x.item() for x in pulled("maximum", number(3.0), number(2.0), number(1.0))] == [3.0, 0.0]
    assert [x.item() for x in pulled("minimum", number(3.0), number(2.0), number(1.0))] == [0.0, 3.0]


@pytest.mark.parametrize(
    "x, y, expected",
    [
        (3.0, 2.0, (6.0, 9.0 * math.log(3.0))),  # 2·3, 3² ln 3
        (-2.0, 2.0, (-4.0, math.nan)),
        (-2.0, 3.0, (12.0, math.nan)),
        (0.0, 2.0, (0.0, 0.0)),
        (0.0, 0.0, (0.0, 0.0)),
        (0.0, 1.0, (1.0, 0.0)),
    ],
)
def test_pow_at_and_below_zero(x, y, expected):
    found = pulled("pow", number(1.0), number(x), number(y))
    assert [each.item() for each in found] == pytest.approx(expected, rel=1e-15, nan_ok=True)


def test_an_input_used_twice_has_a_cotangent_for_each_slot():
    x = number(3.0)
    assert [ct.item() for ct in pulled("mul", number(1.0), x, x)] == [3.0, 3.0]


def test_matmul_by_hand():
    x, y = number([[1.0, 2.0], [3.0, 4.0]]), number([[5.0], [6.0]])
    to_x, to_y = pulled("matmul", number([[1.0], [10.0]]), x, y)
    assert to_x.tolist() == [[5.0, 6.0], [50.0, 60.0]]
    assert to_y.tolist() == [[31.0], [42.0]]


def test_concat_gives_every_input_its_own_part():
    found = pulled("concat", number([1.0, 2.0, 3.0]), number([0.0]), number([0.0, 0.0]))
    assert [ct.tolist() for ct in found] == [[1.0], [2.0, 3.0]]


def test_linear_skips_the_gradient_of_a_weight_that_is_not_wanted():
    x, weight = torch.ones(2, 3), torch.ones(4, 3)
    to_x, to_weight = OPS["linear"].vjp(torch.ones(2, 4), None, x, weight, wanted=(True, False))
    assert to_weight is None and to_x.tolist() == [[4.0] * 3] * 2


def test_conv2d_of_one_picture_gives_a_cotangent_without_batch():
    x, weight = torch.ones(2, 4, 4), torch.ones(3, 2, 3, 3)
    assert OPS["conv2d"].vjp(torch.ones(3, 2, 2), None, x, weight)[0].shape == x.shape


# ---------------------------------------------------------------- texts

SIGNS = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "**": operator.pow,
    "@": operator.matmul, "<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge, "==": operator.eq,
}  # fmt: skip
EXACT_CALLS = ["exp", "log", "sqrt", "sin", "cos", "tan", "tanh", "sigmoid", "abs", "sign", "erf"]
CALLS = {name: getattr(torch, name) for name in (*EXACT_CALLS, "relu", "minimum", "maximum")}


def put_in(branch, names, calls):
    """Compute a TREE with tensors for its names: a second reader of the language, for these tests only."""
    match branch:
        case str():
            return names[branch]
        case int() | float():
            return number(branch)
        case ["if", *parts]:
            return torch.where(*(put_in(part, names, calls) for part in parts))
        case ["neg", part]:
            return -put_in(part, names, calls)
        case ["call", name, *parts]:
            return calls[name](*(put_in(part, names, calls) for part in parts))
        case [sign, left, right]:
            return SIGNS[sign](put_in(left, names, calls), put_in(right, names, calls))


def last(function):
    return lambda x: function(x, -1, keepdim=True)


def deviation(x):
    return (x.var(-1, correction=0, keepdim=True) + 1e-5).sqrt()


def swap_batch(x):
    return x.transpose(0, 1)


def no_attrs(inputs, attrs):
    return not attrs


TENSOR_CALLS = {  # op: (the samples its text describes literally, what its calls mean)
    "matmul": (lambda i, a: all(x.dim() == 2 for x in i), {"transpose": lambda x: x.mT}),
    "linear": (lambda i, a: i[0].dim() == 2, {"transpose": lambda x: x.mT, "sum": lambda x: x.sum(0)}),
    "conv2d": (
        lambda i, a: not a and i[0].dim() == 4,
        {
            "conv2d": lambda x, y: F.conv2d(x, y),
            "conv2d_transpose": F.conv_transpose2d,
            "correlate": lambda x, ct: swap_batch(F.conv2d(swap_batch(x), swap_batch(ct))),
            "sum": lambda x: x.sum((0, 2, 3)),
        },
    ),
    "sum": (no_attrs, {"sum": torch.sum}),
    "mean": (no_attrs, {"sum": torch.sum, "count": lambda x: x.numel()}),
    "softmax": (no_attrs, {"sum": last(torch.sum)}),
    "log_softmax": (no_attrs, {"sum": last(torch.sum)}),
    "layer_norm": (
        lambda i, a: not a and i[0].dim() <= 2,
        {
            "mean": last(torch.mean),
            "std": deviation,
            "norm": lambda x: (x - x.mean(-1, keepdim=True)) / deviation(x),
            "sum": lambda x: x.sum(0),
        },
    ),
    "reshape": (
        lambda i, a: a["shape"] == (3, 2),
        {"reshape": lambda x: x.reshape((2, 3) if x.shape == (3, 2) else (3, 2))},
    ),
    "transpose": (no_attrs, {"transpose": lambda x: x.mT}),
}


LITERAL = [
    sample
    for sample in SAMPLES
    if sample.values[0].name not in {*TENSOR_CALLS, "concat", "select"} and "approximate" not in sample.values[2]
]


@pytest.mark.parametrize("op, inputs, attrs", LITERAL)
def test_partial_and_formula_texts_of_elementwise_ops_are_exact(op, inputs, attrs):
    formula, partials = rule(op, len(inputs))
    names = dict(zip("xyz", inputs, strict=False)) | {"slope": number(attrs.get("slope", 0.01))}
    names["out"] = op.forward(*inputs, **attrs)
    torch.testing.assert_close(put_in(formula, names, CALLS), names["out"], rtol=1e-12, atol=1e-12)
    ct = some_cotangent(names["out"])
    for x, partial, reference in zip(inputs, partials, autograd(op, ct, inputs, attrs), strict=True):
        mine = (ct * put_in(partial, names, CALLS)).sum_to_size(x.shape)
        torch.testing.assert_close(mine, reference, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name, x", [("relu", 0.0), ("abs", 0.0), ("leaky_relu", 0.0)])
def test_partial_texts_agree_with_torch_at_a_kink(name, x):
    names = {"x": number(x), "out": number(0.0), "slope": number(0.01)}
    mine = put_in(rule(OPS[name], 1)[1][0], names, CALLS)
    assert mine.item() == autograd(OPS[name], number(1.0), [number(x)], {})[0].item()


@pytest.mark.parametrize("name", ["minimum", "maximum"])
def test_partial_texts_split_a_tie(name):
    names = {"x": number(2.0), "y": number(2.0), "out": number(2.0)}
    assert [put_in(partial, names, CALLS).item() for partial in rule(OPS[name], 2)[1]] == [0.5, 0.5]


@pytest.mark.parametrize("name", TENSOR_CALLS)
def test_texts_of_tensor_ops_say_what_autograd_does(name):
    op, (described, calls) = OPS[name], TENSOR_CALLS[name]
    fitting = [(inputs, attrs) for inputs, attrs in op.sample_inputs if described(inputs, attrs)]
    assert fitting
    for inputs, attrs in fitting:
        names = dict(zip("xyz", inputs, strict=False)) | {"out": op.forward(*inputs, **attrs)}
        names["ct"] = some_cotangent(names["out"])
        if name == "conv2d" and "z" in names:
            names["z"] = names["z"].reshape(-1, 1, 1)  # one bias a channel
        formula, partials = rule(op, len(inputs))
        torch.testing.assert_close(put_in(formula, names, CALLS | calls), names["out"], rtol=1e-12, atol=1e-12)
        for partial, reference in zip(partials, autograd(op, names["ct"], inputs, attrs), strict=True):
            mine = put_in(partial, names, CALLS | calls)
            mine = mine if "ct" in json.dumps(partial) else names["ct"] * mine
            mine = mine.expand(reference.shape) if name in ("sum", "mean") else mine
            torch.testing.assert_close(mine.reshape(reference.shape), reference, rtol=1e-12, atol=1e-12)


@every_op
def test_texts_have_a_partial_per_slot_and_name_only_slots_and_attrs(op):
    least, most = op.arity if isinstance(op.arity, tuple) else (op.arity, op.arity)
    for count in range(least, (most or 3) + 1):
        formula, partials = rule(op, count)
        assert len(partials) == count
        words = {word for branch in (formula, *partials) for word in leaves(branch)}
        assert words <= {*"xyz"[:count], "out", "ct", *attr_names(op)}
        assert json.loads(json.dumps([formula, partials])) == [formula, partials]


def leaves(branch):
    if isinstance(branch, str):
        return {branch}
    if not isinstance(branch, list):
        return set()
    return {word for part in branch[2 if branch[0] == "call" else 1 :] for word in leaves(part)}


@pytest.mark.parametrize(
    "text, expected",
    [
        ("x", "x"),
        ("-1", -1),
        ("0.5", 0.5),
        ("-x / y**2", ["/", ["neg", "x"], ["**", "y", 2]]),
        ("x - y - z", ["-", ["-", "x", "y"], "z"]),
        ("ct @ transpose(y)", ["@", "ct", ["call", "transpose", "y"]]),
        ("1 if x >= 0 else 0", ["if", [">=", "x", 0], 1, 0]),
    ],
)
def test_tree_reads_python_syntax(text, expected):
    assert tree(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        *["__import__('os').system('x')", "x.y", "x[0]", "lambda: 1", "[x]", "x; y", "x =", "", "f(a=1)", "f(*x)"],
        *["'x'", "True", "x and y", "0 < x < 1", "x % 2", "x\0", "1j"],
    ],
)
def test_tree_refuses_everything_else(text):
    with pytest.raises(OpError, match="not part of the language"):
        tree(text)


def test_a_node_without_a_bias_shows_no_bias():
    assert rule(OPS["layer_norm"], 1)[0] == tree("(x - mean(x)) / std(x)")
    assert rule(OPS["layer_norm"], 2)[0] == tree("(x - mean(x)) / std(x) * y")
    assert rule(OPS["linear"], 3)[0] == tree("x @ transpose(y) + z")


# ---------------------------------------------------------------- errors


def refusal(name, *inputs, **attrs):
    with pytest.raises(OpError) as caught:
        apply(OPS[name], inputs, attrs, "h1")
    return str(caught.value)


def test_apply_returns_what_forward_returns():
    for op in ROWS.values():
        for inputs, attrs in op.sample_inputs:
            assert torch.equal(apply(op, inputs, attrs, "h1"), op.forward(*inputs, **attrs))


@pytest.mark.parametrize(
    "name, shapes, expected",
    [
        ("add", [(2,), (3,)], "(2), (3), expected (…, n), (…, n | 1)"),
        ("matmul", [(2, 3), (2, 3)], "(2, 3), (2, 3), expected (…, n, k), (…, k, m)"),
        ("linear", [(4,), (2, 3)], "(4), (2, 3), expected (…, k), (m, k), (m)"),
        ("conv2d", [(1, 2, 4, 4), (3, 1, 2, 2)], "(1, 2, 4, 4), (3, 1, 2, 2), expected (n, c, h, w)"),
        ("concat", [(2, 3), (2,)], "(2, 3), (2), expected"),
        ("layer_norm", [(2, 3), (2,)], "(2, 3), (2), expected"),
    ],
)
def test_shape_errors_name_node_got_and_expected(name, shapes, expected):
    sentence = refusal(name, *(torch.ones(shape) for shape in shapes))
    assert sentence.startswith(f"Node 'h1' cannot compute {name}") and expected in sentence


def test_attrs_that_do_not_fit_the_shape_are_told():
    assert "(2, 3), expected" in refusal("reshape", torch.ones(2, 3), shape=(4,))
    assert "(3), expected" in refusal("select", torch.ones(3), index=3)
    assert "(3), expected" in refusal("sum", torch.ones(3), dim=1)


def test_unknown_attrs_name_the_known_ones():
    assert "got dimm = 0, expected dim, keepdim" in refusal("sum", torch.ones(3), dimm=0)


def test_mixed_number_types_are_told():
    sentence = refusal("matmul", torch.ones(2, 2), torch.ones(2, 2, dtype=torch.float64))
    assert "number types float32, float64" in sentence


@pytest.mark.parametrize(
    "name, inputs, expected",
    [
        ("log", [-1.0], "got x = −1.0000, expected x > 0."),
        ("log", [0.0], "got x = 0.0000, expected x > 0."),
        ("log", [[2.0, -3.0]], "got x = −3.0000, expected x > 0."),
        ("sqrt", [-4.0], "got x = −4.0000, expected x ≥ 0."),
        ("div", [1.0, [1.0, 0.0]], "got y = 0.0000, expected y ≠ 0."),
        ("pow", [-2.0, 0.5], "got x = −2.0000, expected x > 0."),
        ("pow", [0.0, -1.0], "got x = 0.0000, expected x > 0."),
    ],
)
def test_domain_errors_name_node_got_expected_and_next_step(name, inputs, expected):
    sentence = refusal(name, *map(number, inputs))
    assert sentence == f"Node 'h1' cannot compute {name}: it {expected} Change the values that reach it."


@pytest.mark.parametrize(
    "name, inputs, got",
    [
        ("exp", [1000.0], "x = 1000.0000"),
        ("square", [1e200], "x = 1.00e200"),
        ("div", [1e300, 1e-300], "x = 1.00e300, y = 1.00e-300"),
        ("pow", [10.0, 400.0], "x = 10.0000, y = 400.0000"),
        ("sum", [[1e308, 1e308]], "x = 1.00e308"),
    ],
)
def test_a_result_too_large_is_not_called_a_domain_error(name, inputs, got):
    sentence = refusal(name, *map(number, inputs))
    assert "too large" in sentence and got.replace("e-", "e−") in sentence


@pytest.mark.parametrize("name, x, y", [("pow", -2.0, 3.0), ("pow", 0.0, 2.0), ("div", 0.0, -3.0)])
def test_values_at_the_rim_of_a_domain_pass(name, x, y):
    expected = {"pow": operator.pow, "div": operator.truediv}[name](x, y)
    assert apply(OPS[name], [number(x), number(y)], {}, "h1").item() == expected


def test_values_that_are_infinite_already_pass_so_that_a_diverging_trace_can_be_shown():
    assert apply(OPS["exp"], [number(math.inf)], {}, "h1").item() == math.inf
    assert math.isnan(apply(OPS["mul"], [number(math.nan), number(1.0)], {}, "h1").item())


def test_finite_entries_whose_sum_is_too_large_pass():
    x = number([1e308, 1e308])
    assert apply(OPS["identity"], [x], {}, "h1") is x


def test_a_mask_filled_with_minus_infinity_passes(clean_ops):
    op = defop("mask", forward=lambda x, *, value: torch.where(x > 0, x, value))
    assert apply(op, [number([1.0, -1.0])], {"value": -math.inf}, "h1").tolist() == [1.0, -math.inf]


@pytest.mark.parametrize(
    "name, count, expected",
    [
        ("mul", 1, "2"),
        ("mul", 3, "2"),
        ("tanh", 0, "1"),
        ("linear", 1, "2–3"),
        ("linear", 4, "2–3"),
        ("concat", 0, "≥ 1"),
    ],
)
def test_arity_errors_name_node_got_and_expected(name, count, expected):
    with pytest.raises(
        OpError,
        match=re.escape(f"Node 'h1' gives {name} the wrong number of inputs: got {count}, expected {expected}."),
    ):
        check_arity(OPS[name], count, "h1")
    if count:
        assert f"got {count}, expected {expected}" in refusal(name, *[torch.ones(())] * count)


@every_op
def test_every_sampled_number_of_inputs_is_allowed(op):
    for inputs, _ in op.sample_inputs:
        check_arity(op, len(inputs), "h1")


# ---------------------------------------------------------------- an op of one's own


def test_defop_adds_an_op_in_one_line_and_torch_differentiates_it(clean_ops):
    cube = defop("cube", forward=lambda x: x**3)
    x = number([2.0, -1.0])
    assert OPS["cube"] is cube and (cube.arity, cube.category, cube.vjp) == (1, "custom", None)
    (mine,) = pull_back(cube, number([1.0, 10.0]), cube.forward(x), (x,), {})
    assert mine.tolist() == [12.0, 30.0]  # 3 x²


def test_an_op_without_vjp_is_differentiated_inside_no_grad_and_only_where_wanted(clean_ops):
    op = defop("blend", forward=lambda x, y: x * y + y)
    x, y = number([1.0, 2.0]), number(3.0)
    with torch.no_grad():
        to_x, to_y = pull_back(op, number([1.0, 1.0]), op.forward(x, y), (x, y), {}, (False, True))
    assert to_x is None and to_y.item() == 5.0
    assert not x.requires_grad and not to_y.requires_grad


def test_an_op_without_vjp_leaves_whole_numbers_and_dead_ends_empty(clean_ops):
    pick = defop("pick", forward=lambda x, index: x[index])
    x, index = number([1.0, 2.0]), torch.tensor(1)
    assert [ct if ct is None else ct.tolist() for ct in pull_back(pick, number(5.0), x[1], (x, index), {})] == [
        [0.0, 5.0],
        None,
    ]
    step = defop("step", forward=lambda x: (x > 0).to(x.dtype))
    assert pull_back(step, number(1.0), number(1.0), (number(2.0),), {}) == (None,)
    first = defop("first", forward=lambda x, y: 2 * x)
    to_x, to_y = pull_back(first, number(1.0), number(6.0), (number(3.0), number(4.0)), {})
    assert to_x.item() == 2.0 and to_y is None


def test_arity_is_read_from_forward(clean_ops):
    assert defop("one", forward=lambda x, slope=0.1: x * slope).arity == 1
    assert attr_names(OPS["one"]) == ("slope",)
    assert defop("two", forward=lambda x, y, *, scale=1.0: x * y * scale).arity == 2
    assert defop("many", forward=lambda *inputs: sum(inputs)).arity == (1, None)
    assert defop("some", forward=lambda x, y=None: x, arity=(1, 2)).arity == (1, 2)
    assert attr_names(OPS["some"]) == ()


def test_a_name_is_taken_once_unless_replaced(clean_ops):
    for name in ("tanh", "input"):
        with pytest.raises(OpError, match=f"Op '{name}' exists already"):
            defop(name, forward=lambda x: x)
    assert defop("tanh", forward=lambda x: x, replace=True) is OPS["tanh"]


def test_defop_refuses_a_formula_that_cannot_be_shown_and_adds_nothing(clean_ops):
    with pytest.raises(OpError, match=re.escape("'x[0]' is not part of the language")):
        defop("bad", forward=lambda x: x[0], formula="x[0]")
    assert "bad" not in OPS


def test_an_op_of_ones_own_that_fails_tells_the_node_and_torchs_reason(clean_ops):
    defop("glue", forward=lambda x, y: torch.stack([x, y]))
    sentence = refusal("glue", torch.ones(2), torch.ones(3))
    assert sentence.startswith("Node 'h1' cannot compute glue for the shapes (2), (3).") and "equal size" in sentence
