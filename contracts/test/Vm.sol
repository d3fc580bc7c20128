// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @dev What the tests use of forge.
interface Vm {
    function prank(address caller) external;
    function roll(uint256 number) external;
    function warp(uint256 time) external;
    function assume(bool condition) external pure;
    function expectRevert(bytes calldata reason) external;
    function expectEmit(bool, bool, bool, bool) external;
    function recordLogs() external;
    function getRecordedLogs() external returns (Log[] memory);
    function readFile(string calldata path) external view returns (string memory);
    function parseJsonString(string calldata json, string calldata key) external pure returns (string memory);
    function parseJsonUint(string calldata json, string calldata key) external pure returns (uint256);
    function parseJsonBytes(string calldata json, string calldata key) external pure returns (bytes memory);
    function parseJsonBytes32(string calldata json, string calldata key) external pure returns (bytes32);
    function parseJsonBytes32Array(string calldata json, string calldata key) external pure returns (bytes32[] memory);
    function parseJsonStringArray(string calldata json, string calldata key) external pure returns (string[] memory);
    function keyExistsJson(string calldata json, string calldata key) external view returns (bool);
    function parseBytes32(string calldata text) external pure returns (bytes32);
    function parseBytes(string calldata text) external pure returns (bytes memory);
    function toString(uint256 number) external pure returns (string memory);

    struct Log {
        bytes32[] topics;
        bytes data;
        address emitter;
    }
}

abstract contract Test {
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    /// @dev Forge looks for this to know that a contract has tests.
    bool public IS_TEST = true;

    function check(bool holds, string memory what) internal pure {
        require(holds, what);
    }
}
