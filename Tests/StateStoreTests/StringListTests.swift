import Testing

@testable import StateStore

@Suite struct StringListTests {
    @Test(
        arguments: [
            ([], "[]"), ([""], "[\"\"]"), (["a", "b"], "[\"a\",\"b\"]"), (["\"\\"], "[\"\\\"\\\\\"]"),
            (["\u{0}\n\u{1f}"], "[\"\\u0000\\u000a\\u001f\"]"), (["grün \u{1F600}"], "[\"grün \u{1F600}\"]"),
        ] as [([String], String)]
    )
    func `a list is stored as JSON and read back`(list: [String], text: String) throws {
        #expect(StringList.encode(list) == text)
        #expect(try StringList.decode(Array(text.utf8)) == list)
    }

    @Test(arguments: ["", "[", "]", "[\"a\"", "[\"a", "[\"a\",]", "[1]", "[]]", "[\"\\x\"]", "[\"\\u0100\"]", "[ ]"])
    func `any other text is refused`(text: String) {
        #expect(throws: StateStoreError.self) { try StringList.decode(Array(text.utf8)) }
    }
}
