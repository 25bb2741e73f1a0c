import BPMNModel
import FEEL
import JSON

@testable import StateStore

/// Texts that people and clients write.
extension FuzzTarget {
    static let textTargets = [json, feel, timers, stringList]

    private static let json = FuzzTarget(
        name: "json",
        what: "JSON documents",
        bytesLimit: 4_096,
        seeds: {
            [
                "{\"a\":[1,-2.5e+10,true,false,null],\"b\":{\"c\":\"\\u00e9\\ud83d\\udc0e\\n\"}}", "[]", "0", "\"\"",
                " [ 1 , 2 ] ", "12345678901234567890", "{\"\":1E-400}",
            ].map { Array($0.utf8) }
        },
        dictionary: ["\\\\u", "\\\\ud83d", "true", "false", "null", "e+", "E-", "[[[[", "{\\\"a\\\":"],
        run: { input in
            let value = try? JSONParser.parse(input)
            guard ((try? JSONScanner.validate(input)) != nil) == (value != nil) else {
                return "parser and scanner do not agree"
            }
            guard let value else { return nil }
            guard (try? JSONParser.parse(value.serialized())) == value else { return "another value when written" }
            if let members = try? JSONScanner.topLevelMembers(of: input) {
                for member in members {
                    let part = try? JSONParser.parse(input[member.value])
                    guard part != nil, part == value.objectValue?[member.key] else { return "another member" }
                }
            }
            var compact: [UInt8] = []
            JSONScanner.appendCompacted(input, 0..<input.count, to: &compact)
            return (try? JSONParser.parse(compact)) == value ? nil : "another value without white space"
        }
    )

    private static let feel = FuzzTarget(
        name: "feel",
        what: "FEEL expressions and unary tests, with evaluation",
        bytesLimit: 512,
        seeds: { feelSeeds.map { Array($0.utf8) } },
        dictionary: feelWords,
        run: { input in
            let text = String(decoding: input, as: UTF8.self)
            let scope = FEELContext([("x", .number(Decimal(3))), ("y", .list([.null, .string("b")]))])
            let environment = FEELEnvironment(stepLimit: 2_000, memoryLimitBytes: 1 << 20)
            if let expression = try? FEELExpression(text) {
                let first = try? expression.evaluate(scope, environment: environment)
                let second = try? expression.evaluate(scope, environment: environment)
                // As texts: a function is equal to nothing.
                guard first.map({ "\($0)" }) == second.map({ "\($0)" }) else { return "two values of one expression" }
            }
            if let tests = try? FEELUnaryTests(text) {
                _ = try? tests.evaluate(.number(Decimal(1)), scope: scope, environment: environment)
            }
            return nil
        }
    )

    private static let timers = FuzzTarget(
        name: "timer",
        what: "durations, cycles, dates and cron texts of timers",
        bytesLimit: 128,
        seeds: {
            [
                "PT15M", "P1Y2M3DT4H5M6.5S", "P2W", "R5/PT10S", "R/2027-01-31T12:00:00Z/P1M", "0 0 9 * * MON-FRI",
                "*/15 0 0 1,15 JAN-MAR ?", "@daily", "@every 1h", "2027-01-31T12:00:00+01:00[Europe/Berlin]",
                "2027-02-29T24:00:00Z", "0 0 0 29 2 ?", "0 0 0 L * ?", "0 0 0 ? * 5#2", "-PT0.001S",
            ].map { Array($0.utf8) }
        },
        dictionary: ["R/", "PT", "MON", "SUN", "FEB", "DEC", "L", "W", "#", "@hourly", "9223372036854775807"],
        run: { input in
            let text = String(decoding: input, as: UTF8.self)
            if let interval = TimerInterval(text) { _ = interval.isPositive }
            _ = TimerCycleSyntax(text)
            _ = TimerDateSyntax.hasOffset(text)
            _ = FEELDateTime(TimerDateSyntax.normalized(text))
            guard let schedule = CronSchedule(text) else { return nil }
            for now: Int64 in [0, 1_800_000_000_000, -62_135_596_800_000, 253_402_300_799_000, .min, .max] {
                if let next = schedule.next(after: now), next <= now { return "a time that is not after \(now)" }
            }
            return nil
        }
    )

    private static let stringList = FuzzTarget(
        name: "string-list",
        what: "lists of texts in the state database",
        bytesLimit: 1_024,
        seeds: { [[], ["a"], ["", "\"\\\u{1}", "é🐎"]].map { Array(StringList.encode($0).utf8) } },
        run: { input in
            guard let list = try? StringList.decode(input) else { return nil }
            let again = try? StringList.decode(Array(StringList.encode(list).utf8))
            return again == list ? nil : "another list after writing and reading it again"
        }
    )

    private static let feelSeeds = [
        "1 + 2 * 3 - 4 / 5 ** 2", "if x > 1 then \"a\" else \"b\"", "for i in 1..3 return i * x",
        "some i in [1, 2] satisfies i = 2", "every i in y satisfies i != null", "{a: 1, b: {c: [1, 2]}}.b.c[1]",
        "[1, 2, 3][item > 1]", "function(a, b) a + b", "@\"2027-01-31T12:00:00Z\" + duration(\"P1DT2H\")",
        "date(\"2027-02-28\") - date(2026, 1, 1)", "matches(\"abab\", \"(ab)+\")", "replace(\"abc\", \"b\", \"$0\")",
        "split(\"a;b\", \";\")", "substring(\"hello\", -3, 2)", "string join([\"a\", \"b\"], \",\")",
        "sort([3, 1, 2], function(a, b) a < b)", "sum([1, 2]) + mean([1, 2]) + stddev([1, 2, 3])",
        "decimal(1.125, 2) + round up(1.5, 0)", "x between 1 and 5 and not(false)", "x in [1..5]", "x in (1..5], > 3",
        "1, 2, [3..4]", "not(1, 2)", "> 3, < -1", "-", "\"a\\u0041\\n\"", "from json(\"{\\\"a\\\": 1}\")",
        "get value({a: 1}, \"a\")", "context put({}, \"a\", 1)", "uuid()", "now() - now()",
        "years and months duration(@\"2020-01-01\", @\"2027-01-01\")",
        "modulo(-10.1, 4.5) + exp(2) + log(10) + sqrt(2)", "before([1..2], [3..4])", "sublist([1, 2, 3], -2, 1)",
        "insert before([1], 1, 0)", "flatten([[1], [2, [3]]])", "x instance of number", "`a b` + 1", "1e6000 * 1e-6000",
    ]

    private static let feelWords = [
        "if ", " then ", " else ", "for ", " in ", " return ", "some ", "every ", " satisfies ", "function(", " and ",
        " or ", " between ", " instance of ", "partial", "item", "..", "**", "!=", "<=", ">=", "@\\\"P1D\\\"", "null",
        "true", "matches(", "replace(", "split(", "date and time(", "duration(", "time(", "sum(", "sort(", "list<",
        "context<", "99999999999999999999999999999999999", "1e6144", "e-6000", "-999999999-01-01", "overlaps(",
        "count(", "min(", "max(", "product(", "median(", "mode(", "union(", "distinct values(", "string(", "number(",
        "range(", "to json(", "power(", "fromJson", "index of(", "remove(", "reverse(", "concatenate(", "day of week(",
    ]
}
