import FEEL
import Testing

struct DecimalTests {
    @Test(arguments: DecimalRows.all)
    func `arithmetic agrees with an independent implementation`(row: String) throws {
        let parts = row.split(separator: " ")
        let left = try #require(Decimal(parts[0]))
        let right = try #require(Decimal(parts[2]))
        let expected = try #require(Decimal(parts[4]))

        let actual: Decimal? =
            switch parts[1] {
            case "+": left.adding(right)
            case "-": left.subtracting(right)
            case "*": left.multiplied(by: right)
            case "/": left.divided(by: right)
            default: left.squareRoot
            }

        #expect(actual == expected)
    }

    @Test(arguments: [
        ("1.50", "1.5"), ("1.0", "1"), ("-0", "0"), ("0.000", "0"), ("1e3", "1000"), (".872", "0.872"),
        ("1E-3", "0.001"),
        ("1e-7", "0.0000001"), ("1e-8", "1e-8"), ("0.000001", "0.000001"), ("1e40", "1e40"), ("123e39", "1.23e41"),
        ("1e6111", "1e6111"),
        ("12345678901234567890123456789012345", "12345678901234567890123456789012340"),
        ("99999999999999999999999999999999999", "100000000000000000000000000000000000"), ("1e-7000", "0"),
    ])
    func `text is canonical and reads back`(text: String, expected: String) throws {
        let number = try #require(Decimal(text))

        #expect(number.description == expected)
        #expect(Decimal(number.description) == number)
        #expect(Decimal(number.description)?.hashValue == number.hashValue)
    }

    @Test(arguments: ["", "-", "1.", "1e", "1e+", "+1", " 1", "1 ", "0x1", "NaN", "1e7000", "1..2", "--1", "é", "1,5"])
    func `what is no number or too large is refused`(text: String) {
        #expect(Decimal(text) == nil)
    }

    @Test func `numbers are ordered by value`() {
        let ascending = [
            "-1e50", "-10.1", "-10", "-1e-30", "0", "1e-6000", "0.1", "0.11", "1", "9e33", "1e34", "1e6000",
        ]
        let numbers = ascending.compactMap { Decimal($0) }

        #expect(numbers.count == ascending.count)
        for (index, left) in numbers.enumerated() {
            for (other, right) in numbers.enumerated() { #expect((left < right) == (index < other)) }
        }
    }

    @Test(arguments: [
        (Decimal.RoundingMode.halfEven, "2", "2", "-2"), (.halfUp, "3", "2", "-3"), (.halfDown, "2", "2", "-2"),
        (.up, "3", "3", "-3"), (.down, "2", "2", "-2"), (.floor, "2", "2", "-3"), (.ceiling, "3", "3", "-2"),
    ])
    func `every mode rounds ties and fractions its own way`(
        mode: Decimal.RoundingMode,
        tie: String,
        fraction: String,
        negative: String
    ) {
        #expect(Decimal("2.5")?.rounded(toScale: 0, mode)?.description == tie)
        #expect(Decimal("2.4")?.rounded(toScale: 0, mode)?.description == fraction)
        #expect(Decimal("-2.5")?.rounded(toScale: 0, mode)?.description == negative)
    }

    @Test func `exponentials and logarithms are good to 31 digits`() throws {
        let e = try #require(Decimal("2.718281828459045235360287471352662"))
        let ln2 = try #require(Decimal("0.6931471805599453094172321214581766"))
        let tolerance = try #require(Decimal("1e-31"))

        for (actual, expected) in [(Decimal(1).exponential, e), (Decimal(2).naturalLogarithm, ln2)] {
            let error = try #require(actual?.subtracting(expected)?.magnitude)
            #expect(error < tolerance)
        }
        let back = try #require(Decimal(12345).naturalLogarithm?.exponential?.subtracting(Decimal(12345))?.magnitude)
        #expect(back < Decimal("1e-26") ?? Decimal(0))
    }

    @Test(arguments: [Int64.min, .min + 1, -1, 0, 1, .max])
    func `64-bit integers are exact`(integer: Int64) {
        #expect(Decimal(integer).int64 == integer)
        #expect(Decimal(integer).description == String(integer))
        #expect(Decimal(String(integer)) == Decimal(integer))
    }

    @Test func `what leaves the range has no value`() throws {
        let large = try #require(Decimal("9e6111"))

        #expect(large.multiplied(by: large) == nil)
        #expect(Decimal(1).divided(by: Decimal(0)) == nil)
        #expect(Decimal(-1).squareRoot == nil)
        #expect(Decimal(0).naturalLogarithm == nil)
        #expect(Decimal(0).power(Decimal(-1)) == nil)
        #expect(Decimal(100_000).exponential == nil)
        #expect(Decimal("9223372036854775808")?.int64 == nil)
        #expect(Decimal("1.5")?.int64 == nil)
    }
}
