// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title What an issuer of certificates puts on a chain.
/// @notice Payload hashes (keccak256 of RFC 8785 canonical JSON) one by one, or the roots of the issuer's transparency log (RFC 9162,
/// SHA-256), one for a size of the log. Only the issuer writes; anyone reads. Nothing that was written is ever changed or removed.
interface ICertificateRegistry {
    /// @notice Where and when a payload hash was put here and revoked; zeros where it was not. Times are seconds since 1970.
    struct Certificate {
        uint64 committedBlock;
        uint64 committedAt;
        uint64 revokedAt;
    }

    /// @notice The caller may not do this.
    error NotIssuer(address caller);
    /// @notice The caller was not nominated.
    error NotNominee(address caller);
    /// @notice A hash, a root or a size is zero.
    error Empty();
    /// @notice A batch has no hashes, or more than it may have.
    error BatchSize(uint256 got, uint256 most);
    /// @notice A log of this size has another root already: the issuer would show two histories.
    error RootConflict(uint64 size, bytes32 known, bytes32 got);
    /// @notice Roots come in the order of their sizes, and this one would come before another.
    error SizeBehind(uint64 size, uint64 newest);
    /// @notice No root was put here for a log of this size.
    error UnknownSize(uint64 size);

    /// @notice A payload hash was put here.
    event Committed(bytes32 indexed payloadHash);
    /// @notice The root of a log was put here.
    event RootCommitted(uint64 indexed size, bytes32 root);
    /// @notice A certificate no longer stands, whether its hash was put here or its log's root.
    event Revoked(bytes32 indexed payloadHash);
    /// @notice Somebody may become the issuer; the zero address takes the nomination back.
    event IssuerNominated(address indexed issuer, address indexed nominee);
    /// @notice There is a new issuer.
    event IssuerChanged(address indexed previous, address indexed current);

    /// @notice Puts a payload hash here. Doing it again changes nothing.
    function commit(bytes32 payloadHash) external;

    /// @notice Puts up to `MAX_BATCH` payload hashes here. Those that are here already stay as they are.
    function commitBatch(bytes32[] calldata payloadHashes) external;

    /// @notice Puts the root of a log of `size` entries here. Doing it again with the same root changes nothing.
    function commitRoot(bytes32 root, uint64 size) external;

    /// @notice Says that a certificate no longer stands. Doing it again changes nothing.
    function revoke(bytes32 payloadHash) external;

    /// @notice The first step of handing over: names who may become the issuer.
    function nominateIssuer(address nominee) external;

    /// @notice The second step: the nominee becomes the issuer.
    function acceptIssuer() external;

    /// @notice Most hashes of a batch: with 500, it stays far below the 30 million gas that some chains allow a transaction.
    function MAX_BATCH() external view returns (uint256);

    /// @notice Who may write.
    function issuer() external view returns (address);

    /// @notice Who may become the issuer; zero where nobody was nominated.
    function nominee() external view returns (address);

    /// @notice What is known here of a payload hash.
    function certificateOf(bytes32 payloadHash) external view returns (Certificate memory);

    /// @notice What is known here of many payload hashes, in their order.
    function certificatesOf(bytes32[] calldata payloadHashes) external view returns (Certificate[] memory);

    /// @notice The root of a log of `size` entries, and where and when it was put here; zeros where it was not.
    function rootOf(uint64 size) external view returns (bytes32 root, uint64 committedBlock, uint64 committedAt);

    /// @notice The largest size that a root was put here for.
    function newestSize() external view returns (uint64);

    /// @notice Whether `entry` is at `index` of the log of `size` entries whose root is here (RFC 9162, section 2.1.3.2).
    /// @param proof The hashes from the leaf up.
    function isIncluded(bytes calldata entry, uint64 index, uint64 size, bytes32[] calldata proof)
        external
        view
        returns (bool);
}
