// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICertificateRegistry} from "./ICertificateRegistry.sol";

/// @title The certificate registry of one issuer.
/// @notice Described by its interface. It holds no value, calls nobody, and cannot be upgraded.
contract CertificateRegistry is ICertificateRegistry {
    /// @dev Two slots.
    struct Root {
        bytes32 root;
        uint64 committedBlock;
        uint64 committedAt;
    }

    /// @inheritdoc ICertificateRegistry
    uint256 public constant MAX_BATCH = 500;

    /// @inheritdoc ICertificateRegistry
    address public issuer;
    /// @inheritdoc ICertificateRegistry
    uint64 public newestSize;
    /// @inheritdoc ICertificateRegistry
    address public nominee;

    mapping(bytes32 payloadHash => Certificate) private _certificates;
    mapping(uint64 size => Root) private _roots;

    modifier onlyIssuer() {
        if (msg.sender != issuer) revert NotIssuer(msg.sender);
        _;
    }

    /// @notice The issuer is whoever deploys it.
    constructor() {
        issuer = msg.sender;
        emit IssuerChanged(address(0), msg.sender);
    }

    /// @inheritdoc ICertificateRegistry
    function commit(bytes32 payloadHash) external onlyIssuer {
        _commit(payloadHash);
    }

    /// @inheritdoc ICertificateRegistry
    function commitBatch(bytes32[] calldata payloadHashes) external onlyIssuer {
        uint256 count = payloadHashes.length;
        if (count == 0 || count > MAX_BATCH) revert BatchSize(count, MAX_BATCH);
        for (uint256 i = 0; i < count; ++i) {
            _commit(payloadHashes[i]);
        }
    }

    /// @inheritdoc ICertificateRegistry
    function commitRoot(bytes32 root, uint64 size) external onlyIssuer {
        if (root == 0 || size == 0) revert Empty();
        bytes32 known = _roots[size].root;
        if (known == root) return;
        if (known != 0) revert RootConflict(size, known, root);
        if (size < newestSize) revert SizeBehind(size, newestSize);
        newestSize = size;
        _roots[size] = Root(root, uint64(block.number), uint64(block.timestamp));
        emit RootCommitted(size, root);
    }

    /// @inheritdoc ICertificateRegistry
    function revoke(bytes32 payloadHash) external onlyIssuer {
        if (payloadHash == 0) revert Empty();
        Certificate storage certificate = _certificates[payloadHash];
        if (certificate.revokedAt != 0) return;
        certificate.revokedAt = uint64(block.timestamp);
        emit Revoked(payloadHash);
    }

    /// @inheritdoc ICertificateRegistry
    function nominateIssuer(address next) external onlyIssuer {
        nominee = next;
        emit IssuerNominated(msg.sender, next);
    }

    /// @inheritdoc ICertificateRegistry
    function acceptIssuer() external {
        if (msg.sender != nominee) revert NotNominee(msg.sender);
        emit IssuerChanged(issuer, msg.sender);
        issuer = msg.sender;
        nominee = address(0);
    }

    /// @inheritdoc ICertificateRegistry
    function certificateOf(bytes32 payloadHash) external view returns (Certificate memory) {
        return _certificates[payloadHash];
    }

    /// @inheritdoc ICertificateRegistry
    function certificatesOf(bytes32[] calldata payloadHashes) external view returns (Certificate[] memory known) {
        known = new Certificate[](payloadHashes.length);
        for (uint256 i = 0; i < payloadHashes.length; ++i) {
            known[i] = _certificates[payloadHashes[i]];
        }
    }

    /// @inheritdoc ICertificateRegistry
    function rootOf(uint64 size) external view returns (bytes32, uint64, uint64) {
        Root storage known = _roots[size];
        return (known.root, known.committedBlock, known.committedAt);
    }

    /// @inheritdoc ICertificateRegistry
    function isIncluded(bytes calldata entry, uint64 index, uint64 size, bytes32[] calldata proof)
        external
        view
        returns (bool)
    {
        bytes32 root = _roots[size].root;
        if (root == 0) revert UnknownSize(size);
        if (index >= size) return false;
        bytes32 hash = sha256(abi.encodePacked(bytes1(0x00), entry));
        uint64 node = index;
        uint64 last = size - 1;
        for (uint256 i = 0; i < proof.length; ++i) {
            if (last == 0) return false;
            if (node & 1 == 1 || node == last) {
                hash = sha256(abi.encodePacked(bytes1(0x01), proof[i], hash));
                while (node & 1 == 0 && node != 0) {
                    node >>= 1;
                    last >>= 1;
                }
            } else {
                hash = sha256(abi.encodePacked(bytes1(0x01), hash, proof[i]));
            }
            node >>= 1;
            last >>= 1;
        }
        return last == 0 && hash == root;
    }

    function _commit(bytes32 payloadHash) private {
        if (payloadHash == 0) revert Empty();
        Certificate storage certificate = _certificates[payloadHash];
        if (certificate.committedBlock != 0) return;
        certificate.committedBlock = uint64(block.number);
        certificate.committedAt = uint64(block.timestamp);
        emit Committed(payloadHash);
    }
}
