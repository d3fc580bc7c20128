// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CertificateRegistry} from "../src/CertificateRegistry.sol";
import {ICertificateRegistry} from "../src/ICertificateRegistry.sol";
import {Test, Vm} from "./Vm.sol";

/// @dev Who may write, and that what was written stays.
contract CertificateRegistryTest is Test {
    CertificateRegistry private registry;

    function setUp() public {
        registry = new CertificateRegistry();
    }

    function testFuzz_OnlyTheIssuerWrites(address caller, bytes32 hash, uint64 size) public {
        // Nobody has the key of the zero address, which is the nominee while there is none.
        vm.assume(caller != address(this) && caller != address(0));
        bytes memory refused = abi.encodeWithSelector(ICertificateRegistry.NotIssuer.selector, caller);
        bytes32[] memory batch = new bytes32[](1);
        vm.prank(caller);
        vm.expectRevert(refused);
        registry.commit(hash);
        vm.prank(caller);
        vm.expectRevert(refused);
        registry.commitBatch(batch);
        vm.prank(caller);
        vm.expectRevert(refused);
        registry.commitRoot(hash, size);
        vm.prank(caller);
        vm.expectRevert(refused);
        registry.revoke(hash);
        vm.prank(caller);
        vm.expectRevert(refused);
        registry.nominateIssuer(caller);
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(ICertificateRegistry.NotNominee.selector, caller));
        registry.acceptIssuer();
    }

    function testFuzz_TheFirstCommitCounts(bytes32 hash, uint32 number, uint32 time, uint32 later) public {
        vm.assume(hash != 0 && number != 0 && time != 0);
        vm.roll(number);
        vm.warp(time);
        vm.recordLogs();
        registry.commit(hash);
        vm.roll(uint256(number) + later + 1);
        vm.warp(uint256(time) + later + 1);
        registry.commit(hash);
        check(vm.getRecordedLogs().length == 1, "said once");
        ICertificateRegistry.Certificate memory known = registry.certificateOf(hash);
        check(known.committedBlock == number && known.committedAt == time, "as it was first");
        check(known.revokedAt == 0, "not revoked");
        registry.revoke(hash);
        registry.revoke(hash);
        known = registry.certificateOf(hash);
        check(known.committedBlock == number && known.revokedAt == uint256(time) + later + 1, "revoked, and still there");
    }

    /// Duplicates in a batch and hashes that are there already change nothing.
    function testFuzz_ABatchIsItsCommits(bytes32[] calldata hashes, uint8 before) public {
        vm.assume(hashes.length > 0 && hashes.length <= registry.MAX_BATCH());
        for (uint256 i = 0; i < hashes.length; ++i) {
            vm.assume(hashes[i] != 0);
        }
        vm.roll(10);
        registry.commit(hashes[before % hashes.length]);
        vm.roll(20);
        registry.commitBatch(hashes);
        ICertificateRegistry.Certificate[] memory known = registry.certificatesOf(hashes);
        for (uint256 i = 0; i < hashes.length; ++i) {
            uint64 first = hashes[i] == hashes[before % hashes.length] ? 10 : 20;
            check(known[i].committedBlock == first, "where it was first");
        }
    }

    function test_ABatchHasItsSize() public {
        bytes32[] memory none = new bytes32[](0);
        vm.expectRevert(abi.encodeWithSelector(ICertificateRegistry.BatchSize.selector, 0, 500));
        registry.commitBatch(none);
        bytes32[] memory many = new bytes32[](501);
        vm.expectRevert(abi.encodeWithSelector(ICertificateRegistry.BatchSize.selector, 501, 500));
        registry.commitBatch(many);
        bytes32[] memory zero = new bytes32[](1);
        vm.expectRevert(abi.encodeWithSelector(ICertificateRegistry.Empty.selector));
        registry.commitBatch(zero);
    }

    function testFuzz_ASizeHasOneRoot(bytes32 root, bytes32 other, uint64 size) public {
        vm.assume(root != 0 && other != 0 && root != other && size != 0);
        vm.recordLogs();
        registry.commitRoot(root, size);
        registry.commitRoot(root, size);
        check(vm.getRecordedLogs().length == 1, "said once");
        vm.expectRevert(abi.encodeWithSelector(ICertificateRegistry.RootConflict.selector, size, root, other));
        registry.commitRoot(other, size);
        (bytes32 known,,) = registry.rootOf(size);
        check(known == root && registry.newestSize() == size, "the first one");
    }

    function testFuzz_RootsComeInOrder(bytes32 first, bytes32 second, uint64 small, uint64 large) public {
        vm.assume(first != 0 && second != 0 && small != 0 && small < large);
        registry.commitRoot(second, large);
        vm.expectRevert(abi.encodeWithSelector(ICertificateRegistry.SizeBehind.selector, small, large));
        registry.commitRoot(first, small);
        (bytes32 known,,) = registry.rootOf(small);
        check(known == 0, "nothing was written");
    }

    function test_NothingIsEmpty() public {
        bytes memory empty = abi.encodeWithSelector(ICertificateRegistry.Empty.selector);
        vm.expectRevert(empty);
        registry.commit(0);
        vm.expectRevert(empty);
        registry.revoke(0);
        vm.expectRevert(empty);
        registry.commitRoot(0, 1);
        vm.expectRevert(empty);
        registry.commitRoot(bytes32(uint256(1)), 0);
    }

    function testFuzz_HandingOverTakesTwo(address next, address stranger) public {
        vm.assume(next != address(this) && stranger != next && next != address(0));
        registry.nominateIssuer(next);
        check(registry.issuer() == address(this) && registry.nominee() == next, "nobody but the nominee accepts");
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(ICertificateRegistry.NotNominee.selector, stranger));
        registry.acceptIssuer();
        vm.prank(next);
        registry.acceptIssuer();
        check(registry.issuer() == next && registry.nominee() == address(0), "handed over");
        vm.expectRevert(abi.encodeWithSelector(ICertificateRegistry.NotIssuer.selector, address(this)));
        registry.commit(bytes32(uint256(1)));
        vm.prank(next);
        registry.commit(bytes32(uint256(1)));
    }

    function testFuzz_ANominationIsTakenBack(address next) public {
        vm.assume(next != address(0));
        registry.nominateIssuer(next);
        registry.nominateIssuer(address(0));
        vm.prank(next);
        vm.expectRevert(abi.encodeWithSelector(ICertificateRegistry.NotNominee.selector, next));
        registry.acceptIssuer();
    }
}
