// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "./Vm.sol";

/// @dev `keccak256-canonical-json-v1` is what the EVM calls keccak256, over the vectors that Rust and Python reproduce too.
contract PayloadTest is Test {
    function test_PayloadHashesOfTheVectors() public view {
        string memory json = vm.readFile("../docs/verify/vectors/canonical.json");
        uint256 hashed = 0;
        for (uint256 i = 0; vm.keyExistsJson(json, key(i, "name")); ++i) {
            if (!vm.keyExistsJson(json, key(i, "canonical"))) continue;
            bytes memory canonical = bytes(vm.parseJsonString(json, key(i, "canonical")));
            check(keccak256(canonical) == vm.parseJsonBytes32(json, key(i, "keccak256")), key(i, "keccak256"));
            ++hashed;
        }
        check(hashed > 10, "vectors were read");
    }

    function key(uint256 place, string memory name) private pure returns (string memory) {
        return string.concat("[", vm.toString(place), "].", name);
    }
}
