import CExpat

/// Reads XML with expat: namespaces, positions and limits; never a DTD, never an entity of the file's own.
struct XMLReader {
    /// - Throws: what is wrong with the XML, at its first wrong place.
    static func read(_ bytes: [UInt8], limits: BPMNLimits) throws(XMLFailure) -> XMLTree {
        let start = XMLPosition(line: 1, column: 1)
        if bytes.count > limits.resourceBytes {
            throw XMLFailure(
                rule: .xmlTooLarge,
                position: start,
                message: "Expected at most \(limits.resourceBytes) bytes, but got \(bytes.count).",
                advice: "Split the model into several files."
            )
        }
        guard !bytes.isEmpty, let length = Int32(exactly: bytes.count), let session = ExpatSession(limits: limits)
        else {
            throw XMLFailure(
                rule: .xmlNotWellFormed,
                position: start,
                message: "Expected an XML file, but got \(bytes.count) bytes.",
                advice: "Save the model as BPMN 2.0 XML."
            )
        }
        return try session.parse(bytes, length: length)
    }
}

/// One expat parser and the tree it fills. All unsafe code of the target is here: expat's callbacks receive the session
/// as their user data, and it outlives the one call to `XML_Parse`.
private final class ExpatSession {
    private let parser: XML_Parser
    private var builder: XMLTreeBuilder

    init?(limits: BPMNLimits) {
        // A line feed cannot occur in a namespace URI: expat refuses files that try.
        guard let parser = XML_ParserCreateNS(nil, XML_Char(UInt8(ascii: "\n"))) else { return nil }
        self.parser = parser
        self.builder = XMLTreeBuilder(limits: limits)
    }

    deinit {
        XML_ParserFree(self.parser)
    }

    func parse(_ bytes: [UInt8], length: Int32) throws(XMLFailure) -> XMLTree {
        XML_SetUserData(self.parser, Unmanaged.passUnretained(self).toOpaque())
        XML_SetElementHandler(
            self.parser,
            { userData, name, attributes in ExpatSession.of(userData)?.open(name, attributes) },
            { userData, _ in ExpatSession.of(userData)?.builder.close() }
        )
        XML_SetCharacterDataHandler(self.parser) { userData, characters, count in
            ExpatSession.of(userData)?.add(characters, count)
        }
        XML_SetStartDoctypeDeclHandler(self.parser) { userData, _, _, _, _ in
            ExpatSession.of(userData)?.refuseDoctype()
        }
        let status = bytes.withUnsafeBytes { buffer in
            XML_Parse(self.parser, buffer.baseAddress?.assumingMemoryBound(to: CChar.self), length, 1)
        }
        if let failure = self.builder.failure { throw failure }
        if status != XML_STATUS_OK {
            let reason = XML_ErrorString(XML_GetErrorCode(self.parser)).map { String(cString: $0) } ?? "unknown"
            throw XMLFailure(
                rule: .xmlNotWellFormed,
                position: self.position,
                message: "Expected well-formed XML, but got: \(reason).",
                advice: "Repair the file; it may be cut off or not in the encoding it declares."
            )
        }
        return self.builder.tree
    }

    private static func of(_ userData: UnsafeMutableRawPointer?) -> ExpatSession? {
        userData.map { Unmanaged<ExpatSession>.fromOpaque($0).takeUnretainedValue() }
    }

    private var position: XMLPosition {
        XMLPosition(
            line: Int(clamping: XML_GetCurrentLineNumber(self.parser)),
            column: Int(clamping: XML_GetCurrentColumnNumber(self.parser)) + 1
        )
    }

    private func open(_ name: UnsafePointer<XML_Char>?, _ list: UnsafeMutablePointer<UnsafePointer<XML_Char>?>?) {
        guard self.builder.failure == nil, let name else { return }
        let limits = self.builder.limits
        self.builder.open(String(cString: name), at: self.position) {
            ExpatSession.attributes(list, limits: limits)
        }
        self.stopAfterFailure()
    }

    /// - Returns: nil when there are too many or one is too long.
    private static func attributes(
        _ list: UnsafeMutablePointer<UnsafePointer<XML_Char>?>?,
        limits: BPMNLimits
    ) -> [XMLAttribute]? {
        var attributes: [XMLAttribute] = []
        var next = 0
        // expat ends the list of names and values with a null pointer.
        while let list, let name = list[next], let value = list[next + 1] {
            next += 2
            let attribute = XMLAttribute(name: String(cString: name), value: String(cString: value))
            guard next / 2 <= limits.attributeCount, attribute.value.utf8.count <= limits.valueBytes else { return nil }
            if !attribute.name.contains("\n") {
                attributes.append(attribute)
            }
        }
        return attributes
    }

    private func add(_ characters: UnsafePointer<XML_Char>?, _ count: Int32) {
        guard self.builder.wantsText, let characters else { return }
        let buffer = UnsafeRawBufferPointer(start: characters, count: Int(count))
        self.builder.add(text: String(decoding: buffer, as: UTF8.self), at: self.position)
        self.stopAfterFailure()
    }

    private func refuseDoctype() {
        self.builder.fail(
            .xmlDoctype,
            at: self.position,
            "Expected XML without a document type declaration, but got a DOCTYPE.",
            advice: "Remove it: models need neither a DTD nor entities."
        )
        self.stopAfterFailure()
    }

    private func stopAfterFailure() {
        if self.builder.failure != nil {
            XML_StopParser(self.parser, XML_Bool(0))
        }
    }
}
