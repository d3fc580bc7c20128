// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CertificateRegistry} from "../src/CertificateRegistry.sol";
import {ICertificateRegistry} from "../src/ICertificateRegistry.sol";
import {Test} from "./Vm.sol";

/// @dev The tree of RFC 9162 by its definition (section 2.1.1), as slow as it is plain; and a proof by section 2.1.3.1.
library Tree {
    function leaf(bytes memory entry) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(bytes1(0x00), entry));
    }

    function root(bytes32[] memory leaves, uint256 from, uint256 to) internal pure returns (bytes32) {
        if (to - from == 1) return leaves[from];
        uint256 middle = from + split(to - from);
        return sha256(abi.encodePacked(bytes1(0x01), root(leaves, from, middle), root(leaves, middle, to)));
    }

    function path(bytes32[] memory leaves, uint256 index) internal pure returns (bytes32[] memory proof) {
        bytes32[] memory down = new bytes32[](64);
        uint256 count = 0;
        uint256 from = 0;
        uint256 to = leaves.length;
        while (to - from > 1) {
            uint256 middle = from + split(to - from);
            if (index < middle) {
                down[count++] = root(leaves, middle, to);
                to = middle;
            } else {
                down[count++] = root(leaves, from, middle);
                from = middle;
            }
        }
        proof = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            proof[i] = down[count - 1 - i];
        }
    }

    /// @dev The largest power of two below `size`.
    function split(uint256 size) private pure returns (uint256 half) {
        half = 1;
        while (half * 2 < size) half *= 2;
    }
}

/// @dev What the contract finds to be in a tree is what the definition says, and what the log proves.
contract ProofsTest is Test {
    CertificateRegistry private registry;

    function setUp() public {
        registry = new CertificateRegistry();
    }

    function testFuzz_ProofsHoldAndNothingElseDoes(uint8 count, uint8 where, uint256 seed, uint8 wrong) public {
        uint64 size = uint64(count) % 70 + 1;
        uint64 index = where % size;
        bytes32[] memory leaves = new bytes32[](size);
        for (uint256 i = 0; i < size; ++i) {
            leaves[i] = Tree.leaf(entry(seed, i));
        }
        registry.commitRoot(Tree.root(leaves, 0, size), size);
        bytes32[] memory proof = Tree.path(leaves, index);
        check(registry.isIncluded(entry(seed, index), index, size, proof), "it is there");

        uint64 elsewhere = (index + 1 + wrong % 69) % size;
        check(elsewhere == index || !registry.isIncluded(entry(seed, index), elsewhere, size, proof), "not elsewhere");
        check(!registry.isIncluded(entry(seed, index), index + size, size, proof), "not beyond");
        check(!registry.isIncluded(entry(seed, size), index, size, proof), "not another");
        bytes32[] memory more = new bytes32[](proof.length + 1);
        for (uint256 i = 0; i < proof.length; ++i) {
            more[i] = proof[i];
        }
        check(!registry.isIncluded(entry(seed, index), index, size, more), "not with more");
        if (proof.length == 0) return;
        bytes32[] memory less = new bytes32[](proof.length - 1);
        for (uint256 i = 0; i < less.length; ++i) {
            less[i] = proof[i];
        }
        check(!registry.isIncluded(entry(seed, index), index, size, less), "not with less");
        proof[wrong % proof.length] ^= bytes32(uint256(1) << (seed % 256));
        check(!registry.isIncluded(entry(seed, index), index, size, proof), "not with a bit changed");
    }

    /// Whatever somebody makes up as a proof, at sizes up to the largest: it ends, and says no.
    function testFuzz_MadeUpProofsFail(bytes calldata made, uint64 index, uint64 size, bytes32[] calldata proof) public {
        vm.assume(size != 0);
        registry.commitRoot(keccak256("a root that nobody knows the entries of"), size);
        check(!registry.isIncluded(made, index, size, proof), "made up");
    }

    function testFuzz_AnUnknownSizeIsNoAnswer(uint64 size) public {
        bytes32[] memory proof = new bytes32[](0);
        vm.expectRevert(abi.encodeWithSelector(ICertificateRegistry.UnknownSize.selector, size));
        registry.isIncluded("", 0, size, proof);
    }

    /// The proofs that the log of this repository makes.
    function test_ProofsOfTheLog() public {
        string memory json = vm.readFile("../docs/verify/vectors/merkle/proofs.json");
        uint256 count = 0;
        for (; vm.keyExistsJson(json, key(count, "size")); ++count) {
            uint64 size = uint64(vm.parseJsonUint(json, key(count, "size")));
            registry.commitRoot(vm.parseBytes32(vm.parseJsonString(json, key(count, "root"))), size);
            uint64 index = uint64(vm.parseJsonUint(json, key(count, "index")));
            bytes memory leaf = vm.parseBytes(vm.parseJsonString(json, key(count, "entry")));
            string[] memory texts = vm.parseJsonStringArray(json, key(count, "proof"));
            bytes32[] memory proof = new bytes32[](texts.length);
            for (uint256 i = 0; i < texts.length; ++i) {
                proof[i] = vm.parseBytes32(texts[i]);
            }
            check(registry.isIncluded(leaf, index, size, proof), key(count, "proof"));
        }
        check(count > 20, "vectors were read");
    }

    function key(uint256 place, string memory name) private pure returns (string memory) {
        return string.concat(".inclusion[", vm.toString(place), "].", name);
    }

    function entry(uint256 seed, uint256 index) private pure returns (bytes memory) {
        return abi.encodePacked(seed, index);
    }
}
