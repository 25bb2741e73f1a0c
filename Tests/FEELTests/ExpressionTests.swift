import FEEL
import Testing

struct ExpressionTests {
    private static let scope = FEELContext([
        ("a", .number(Decimal(11))), ("s", .string("text")), ("yes", .boolean(true)), ("nothing", .null),
        ("order", .context(FEELContext([("id", .string("o-1")), ("total", .number(Decimal(42)))]))),
        ("items", .list([1, 2, 3].map { .context(FEELContext([("price", .number(Decimal($0)))])) })),
        ("count", .number(Decimal(7))), ("order total", .number(Decimal(5))),
    ])

    @Test(arguments: [
        ("a > 10", "true"), ("order.total", "42"), ("a + 1", "12"), ("items[price > 1].price", "[2, 3]"),
        ("items[2].price", "2"), ("items.price[item > 2]", "[3]"), ("missing", "null"), ("missing.x.y", "null"),
        ("order.missing", "null"), ("a = \"x\"", "null"), ("if nothing then 1 else 2", "2"), ("count", "7"),
        ("count([1, 2])", "2"), ("order total * 2", "10"), ("`order total` + 1", "6"), ("sum(items.price)", "6"),
        ("a in [1..20]", "true"), ("a in (> 20, 11)", "true"), ("a in (10 + 1) * 1", "true"),
        ("a between 1 and 11 and yes", "true"),
        ("[1..2[.end included", "false"), ("5 in [1..[5,6][1]]", "true"), ("a = 11 = yes", "true"),
        ("1 < 2 = true", "true"),
        ("for i in items return i.price * 2", "[2, 4, 6]"), ("some i in items satisfies i.price = 2", "true"),
        ("every i in items satisfies i.price < 3", "false"), ("{x: 1, y: x + 1}.y", "2"), ("- - 2", "2"),
        ("{add: function(x, y) x + y, r: add(y: 1, x: 2)}.r", "3"),
        ("sort(items, function(x, y) x.price > y.price).price", "[3, 2, 1]"),
        ("{fact: function(n) if n < 2 then 1 else n * fact(n - 1), r: fact(10)}.r", "3628800"), ("2 ** 3 ** 2", "64"),
        ("\"\\u0041\\n\\\"\\uD83D\\uDC0E\"", "A\n\"🐎"), ("order = {total: 42, id: \"o-1\"}", "true"),
        ("not(yes)", "false"),
        ("[1, \"x\", null, {a: \"b\"}]", "[1, \"x\", null, {a: \"b\"}]"), ("1 instance of number", "true"),
        ("1.50", "1.5"),
        ("if a > 20 then 1 else if a > 10 then 2 else 3", "2"), ("order.id = \"o-1\" and a > 1 or missing", "true"),
    ])
    func `expressions have the values of the standard`(source: String, expected: String) throws {
        let result = try FEELExpression("string(\(source))", knownNames: ["order total"])
            .evaluate(ExpressionTests.scope, environment: FEELEnvironment())

        #expect(result.value == (expected == "null" ? .null : .string(expected)))
    }

    @Test(arguments: [
        ("is defined(missing)", "false"), ("is defined(a)", "true"), ("get or else(missing, 3)", "3"),
        ("is null(nothing)", "true"),
        ("is blank(\" \")", "true"), ("is empty([])", "true"), ("trim(\"  x y \")", "x y"),
        ("duplicate values([1, 2, 1])", "[1]"),
        ("partition([1, 2, 3], 2)", "[[1, 2], [3]]"), ("string join([\"a\", \"b\"], \",\", \"<\", \">\")", "<a,b>"),
        ("cycle(3, duration(\"PT1H\"))", "R3/PT1H"), ("cycle(duration(\"P1D\"))", "R/P1D"),
        ("fromAi(a, \"d\", \"number\")", "11"),
        ("fromAi(value: s)", "text"), ("context put(order, [\"x\", \"y\"], 1).x", "{y: 1}"),
        ("to json({a: [1, \"x\", @\"P1D\"]})", "{\"a\":[1,\"x\",\"P1D\"]}"),
        ("from json(\"{\\\"a\\\": [1.50, null, \\\"\\\\u00e9\\\"]}\").a", "[1.5, null, \"é\"]"),
        ("context merge([{a: 1}, {b: 2}])", "{a: 1, b: 2}"),
        ("extract(\"a1 b22\", \"[a-z]\\d+\")", "[\"a1\", \"b22\"]"),
        ("split(\"a;b;;\", \";\")", "[\"a\", \"b\", \"\", \"\"]"), ("assert(a, a > 1)", "11"),
        ("concatenate([1], [2, 3])", "[1, 2, 3]"), ("append([1], 2, 3)", "[1, 2, 3]"),
        ("union([1, 2], [2, 3])", "[1, 2, 3]"), ("flatten([1, [2, [3]]])", "[1, 2, 3]"),
        ("sublist([1, 2, 3], -2, 1)", "[2]"), ("insert before([1, 3], 2, 2)", "[1, 2, 3]"),
        ("remove([1, 2], -1)", "[1]"), ("index of([1, 2, 1], 1)", "[1, 3]"),
        ("list replace([1, 2], 2, 9)", "[1, 9]"), ("list replace([1, 2], function(i, n) i > 1, 9)", "[1, 9]"),
        ("min(3, 1, 2)", "1"), ("max([\"a\", \"b\"])", "b"),
        ("now()", "2023-11-14T22:13:20Z"), ("today()", "2023-11-14"), ("number(\"1,000.5\", \",\", \".\")", "1000.5"),
        ("mean([1, 2])", "1.5"),
        ("reverse([1, 2])", "[2, 1]"), ("list contains([1, null], null)", "true"), ("to base64(\"FEEL\")", "RkVFTA=="),
        ("boolean(\"true\")", "true"),
    ])
    func `built-in functions and those of Camunda work`(source: String, expected: String) throws {
        let environment = FEELEnvironment(nowEpochMilliseconds: 1_700_000_000_000)

        #expect(try value("string(\(source))", ExpressionTests.scope, environment) == .string(expected))
    }

    @Test func `uuids have their shape and follow from the seed`() throws {
        let first = try value("[uuid(), uuid()]", FEELContext(), FEELEnvironment(uuidSeed: 1))
        let again = try value("[uuid(), uuid()]", FEELContext(), FEELEnvironment(uuidSeed: 1))
        let other = try value("[uuid(), uuid()]", FEELContext(), FEELEnvironment(uuidSeed: 2))

        #expect(first == again)
        #expect(first != other)
        guard case .list(let uuids) = first, case .string(let uuid) = uuids[0] else {
            Issue.record("not strings: \(first)")
            return
        }
        #expect(uuids[0] != uuids[1])
        #expect(uuid.wholeMatch(of: /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/) != nil)
    }

    @Test func `what is lenient gives a warning`() throws {
        let result = try FEELExpression("missing + 1").evaluate(FEELContext(), environment: FEELEnvironment())

        #expect(result.value == .null)
        #expect(result.warnings == ["No variable found with name 'missing'", "Can't apply '+' to Null and number"])
    }

    @Test func `a failed assertion is an error`() throws {
        #expect(throws: FEELEvaluationError.assertionFailed("too small")) {
            try value("assert(1, 1 > 2, \"too small\")")
        }
    }

    @Test(arguments: [
        ("a + b.c * f(d) + a", ["a", "b", "f", "d"]), ("for i in xs return i + y", ["xs", "y"]),
        ("xs[price > limit]", ["xs", "price", "limit"]),
        ("{k: v, l: k}", ["v"]), ("function(x) x + z", ["z"]), ("count(xs)", ["xs"]),
        ("some q in qs satisfies q", ["qs"]),
    ])
    func `variable names are those not bound inside`(source: String, names: [String]) throws {
        #expect(try FEELExpression(source).variableNames == names)
    }

    @Test(arguments: [
        ("", 1, 1, "an expression", "the end"), ("1 +", 1, 4, "an expression", "the end"),
        ("(1", 1, 3, "`)`", "the end"),
        ("1\n  2", 2, 3, "an operator or the end", "`2`"), ("if x then 1", 1, 12, "`else`", "the end"),
        ("\"é\" ^", 1, 5, "an operator or the end", "`^`"),
        ("\"abc", 1, 1, "a closing `\"`", "the end"), ("/* x", 1, 1, "`*/` at the end of a comment", "the end"),
        ("{a = 1}", 1, 2, "a key", "`a`"),
    ])
    func `syntax errors say where and what`(source: String, line: Int, column: Int, expected: String, found: String) {
        let error = #expect(throws: FEELSyntaxError.self) { try FEELExpression(source) }

        #expect(error?.line == line && error?.column == column)
        #expect(error?.expected == expected && error?.found == found)
    }

    @Test(arguments: [
        ("-", "1", true), ("1, 2", "2", true), ("not(1, 2)", "3", true), ("[1..3]", "4", false), ("< 10", "5", true),
        ("? > 3", "5", true),
        ("\"a\", \"b\"", "\"b\"", true), ("> 2, < 0", "1", false),
    ])
    func `unary tests pass and fail`(source: String, tested: String, expected: Bool) throws {
        let result = try FEELUnaryTests(source)
            .evaluate(value(tested), scope: FEELContext(), environment: FEELEnvironment())

        #expect(result.value == .boolean(expected))
    }

    @Test(arguments: [
        ("abc", "b", true), ("abc", "^b", false), ("a\nb", "a.b", false), ("aXbX", "(a)X(b)X\\2", false),
        ("abab", "(ab)\\1", true),
        ("aaa", "^a{2,3}$", true), ("aaaa", "^a{2,3}$", false), ("ac", "^(a|b)*c$", true), ("äöü", "^\\p{L}+$", true),
        ("x-1", "^[\\w-]+$", true),
        ("", "^(a*)*$", true), ("foo.bar", "^foo\\.bar$", true), ("b", "^[^a]$", true),
        ("2024-01-02", "^\\d{4}-\\d{2}-\\d{2}$", true),
    ])
    func `regular expressions match as they should`(text: String, pattern: String, expected: Bool) throws {
        let scope = FEELContext([("t", .string(text)), ("p", .string(pattern))])

        #expect(try value("matches(t, p)", scope) == .boolean(expected))
    }

    @Test(arguments: [
        "(", ")", "[", "a**", "{1}", "a{2,1}", "\\1", "(?=a)", "[b-a]", "\\q", "a{1001}", "((((((a{99}){99}){99}",
    ])
    func `malformed regular expressions are null`(pattern: String) throws {
        #expect(try value("matches(\"a\", p)", FEELContext([("p", .string(pattern))])) == .null)
    }
}
