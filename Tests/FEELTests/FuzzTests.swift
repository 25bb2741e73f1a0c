import FEEL
import Testing

/// SplitMix64: the same seed gives the same tests.
private struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var word = self.state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}

struct FuzzTests {
    private static let tokens = [
        "1", "0", "-1", "2.5", "1e6000", "99999999999999999999999999999999999", "\"a\"", "\"\\u00e9\"", "\"(a\"",
        "true",
        "false", "null", "x", "y", "item", "partial", "(", ")", "[", "]", "{", "}", ",", ":", ".", "..", "+", "-", "*",
        "/",
        "**", "=", "!=", "<", "<=", ">", ">=", "and", "or", "if", "then", "else", "for", "in", "return", "some",
        "every",
        "satisfies", "between", "instance", "of", "number", "list<", "function(", "@\"P1D\"", "@\"2020-01-31\"",
        "@\"10:00:00@Europe/Paris\"", "@\"-999999999-01-01\"", "@\"P1Y\"", "date(", "duration(", "sum(", "substring(",
        "matches(", "replace(", "split(", "sort(", "string(", "number(", "round up(", "modulo(", "date and time(",
        "get value(", "context put(", "before(", "overlaps(", "sublist(", "exp(", "log(", "abs(", "years", "`q`", "'",
        "?",
        "\"unclosed", "/*", "//", "\n", "é", "🐎", "->", "@", "from json(", "to json(", "decimal(", "insert before(",
    ]

    private static let seeds = [
        "for i in 1..4, j in [1,2] return if i > j then {a: i, b: [i..j]} else partial[-1]",
        "{f: function(a, b: number) a ** b - -b, r: f(2, 10)}.r + sum([1, 2, 3][item > 1])",
        "some x in [@\"2020-01-01\", @\"P1D\"] satisfies x instance of date and x + @\"P400D\" > @\"2020-01-01\"",
        "replace(\"abracadabra\", \"(a|b)+?[a-z-[c]]{1,3}\", \"$1-$0\") + string([1, \"a\", null, {k: 1.50}])",
        "date and time(\"2020-10-25T02:30:00@Europe/Paris\") - @\"P1DT2H\" < now() and 5 in (1, < 3, [4..6[)",
        "substring(\"foobar\", -3, 2) + upper case(trim(\" x \")) = \"BA\" or not(contains(\"a\", y.z[2].w))",
        "decimal(1 / 3, 5) * 1e-6000 / 1e6000 ** 2 + modulo(-10.1, 4.5) between -1e33 and 1e34",
    ]

    private func run(_ source: String) {
        guard let expression = try? FEELExpression(source) else { return }
        let scope = FEELContext([("x", .number(Decimal(3))), ("y", .list([.null, .string("b")]))])
        let environment = FEELEnvironment(timeZoneRules: TestData.zones, stepLimit: 5000, memoryLimitBytes: 1 << 20)
        if let result = try? expression.evaluate(scope, environment: environment) { _ = "\(result.value)" }
    }

    @Test(arguments: [1, 2, 3, 4])
    func `random tokens never trap`(seed: UInt64) {
        var generator = SeededGenerator(state: seed)
        for _ in 0..<2000 {
            let count = Int.random(in: 1...20, using: &generator)
            let parts = (0..<count).map { _ in FuzzTests.tokens.randomElement(using: &generator) ?? "" }
            self.run(parts.joined(separator: Bool.random(using: &generator) ? " " : ""))
        }
    }

    @Test(arguments: FuzzTests.seeds)
    func `mutated expressions never trap`(source: String) {
        var generator = SeededGenerator(state: 42)
        for _ in 0..<500 {
            var characters = Array(source)
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let position = Int.random(in: 0..<characters.count, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0 where characters.count > 1: characters.remove(at: position)
                case 1:
                    characters.insert(contentsOf: FuzzTests.tokens.randomElement(using: &generator) ?? "", at: position)
                case 2: characters[position] = characters.randomElement(using: &generator) ?? "1"
                default: characters.swapAt(position, Int.random(in: 0..<characters.count, using: &generator))
                }
            }
            self.run(String(characters))
        }
    }
}
