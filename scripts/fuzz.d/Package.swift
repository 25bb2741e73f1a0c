// swift-tools-version: 6.2
import PackageDescription

// The decoders once more, built for libFuzzer: with its instrumentation, optimised, and without what they do not need.
// Used by scripts/fuzz only. Only the files named below are built of targets that pull in large libraries.

/// The runtime without a main function of its own, from the Swift toolchain; scripts/fuzz finds it.
let runtime = Context.environment["THALWEG_FUZZER_RUNTIME"] ?? "libclang_rt.fuzzer_no_main.a"

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .unsafeFlags(["-sanitize=fuzzer", "-enable-testing"]),
]

let swiftProtobuf: Target.Dependency = .product(name: "SwiftProtobuf", package: "swift-protobuf")

let package = Package(
    name: "thalweg-fuzz",
    dependencies: [.package(url: "https://github.com/apple/swift-protobuf", exact: "1.39.0")],
    targets: [
        .systemLibrary(name: "CExpat", path: "Sources/CExpat", pkgConfig: "expat"),
        .systemLibrary(name: "CLibFuzzer", path: "CLibFuzzer"),
        .systemLibrary(name: "CSQLite", path: "Sources/CSQLite", pkgConfig: "sqlite3"),
        .target(name: "BPMNModel", swiftSettings: settings),
        .target(name: "Checksum", swiftSettings: settings),
        .target(name: "BPMNParsing", dependencies: ["BPMNModel", "CExpat", "FEEL"], swiftSettings: settings),
        .target(
            name: "ClusterTransport",
            dependencies: ["RaftCore", swiftProtobuf],
            path: "Sources/ClusterTransport",
            sources: [
                "Frames/FrameReader.swift", "Frames/OutgoingFrame.swift", "Frames/Outbox.swift",
                "Frames/RaftMessageDecoding.swift", "Frames/RaftMessageEncoding.swift", "Streams/Identity.swift",
                "TransportConfiguration.swift", "TransportError.swift", "TransportHandler.swift",
                "DirectoryMemory.swift", "Wire/Wire.pb.swift",
            ],
            swiftSettings: settings
        ),
        .target(name: "FEEL", swiftSettings: settings),
        .target(
            name: "HTTPAPI",
            path: "Sources/HTTPAPI",
            sources: ["Requests/MultipartBody.swift", "Responses/Problem.swift"],
            swiftSettings: settings
        ),
        .target(name: "JSON", swiftSettings: settings),
        .target(name: "ProcessEngine", dependencies: ["BPMNModel", "FEEL", "JSON"], swiftSettings: settings),
        .target(name: "RaftCore", swiftSettings: settings),
        .target(name: "RaftLog", dependencies: ["Checksum", "RaftCore", "SQLite"], swiftSettings: settings),
        .target(name: "ReplicaCore", dependencies: ["ProcessEngine", "RaftCore"], swiftSettings: settings),
        .target(name: "SQLite", dependencies: ["CSQLite"], swiftSettings: settings),
        .target(
            name: "StateStore",
            path: "Sources/StateStore",
            sources: ["StringList.swift", "StateStoreError.swift"],
            swiftSettings: settings
        ),
        .target(
            name: "FuzzTargets",
            dependencies: [
                "BPMNModel", "BPMNParsing", "Checksum", "ClusterTransport", "FEEL", "HTTPAPI", "JSON", "ProcessEngine",
                "RaftCore",
                "RaftLog", "ReplicaCore", "SQLite", "StateStore", swiftProtobuf,
            ],
            path: "Tests/FuzzTests/Targets",
            swiftSettings: settings
        ),
        .executableTarget(
            name: "thalweg-fuzz",
            dependencies: ["CLibFuzzer", "FuzzTargets"],
            path: "Driver",
            swiftSettings: settings,
            linkerSettings: [.unsafeFlags([runtime]), .linkedLibrary("stdc++"), .linkedLibrary("m")]
        ),
    ]
)
