// Verifies a checkpoint and proofs with Go's x/mod/sumdb: what the Go command itself verifies its checksum database with.
// It reads cases as JSON from standard input and prints `ok` or the error for each.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type testCase struct {
	Key         string // verifier key
	Checkpoint  []byte
	Entry       []byte // with Proof: an inclusion proof
	Index       int64
	Proof       [][]byte
	OldSize     int64 // with Consistency: a consistency proof
	OldRoot     []byte
	Consistency [][]byte
}

func hashes(proof [][]byte) (result []tlog.Hash) {
	for _, bytes := range proof {
		var hash tlog.Hash
		copy(hash[:], bytes)
		result = append(result, hash)
	}
	return
}

func check(test testCase) error {
	verifier, err := note.NewVerifier(test.Key)
	if err != nil {
		return err
	}
	signed, err := note.Open(test.Checkpoint, note.VerifierList(verifier))
	if err != nil {
		return err
	}
	lines := strings.Split(signed.Text, "\n")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return err
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil {
		return err
	}
	if test.Entry != nil {
		return tlog.CheckRecord(hashes(test.Proof), size, root, test.Index, tlog.RecordHash(test.Entry))
	}
	return tlog.CheckTree(hashes(test.Consistency), size, root, test.OldSize, hashes([][]byte{test.OldRoot})[0])
}

func main() {
	var input bytes.Buffer
	input.ReadFrom(os.Stdin)
	var tests []testCase
	if err := json.Unmarshal(input.Bytes(), &tests); err != nil {
		fmt.Println(err)
		os.Exit(2)
	}
	for _, test := range tests {
		if err := check(test); err != nil {
			fmt.Println(strings.ReplaceAll(err.Error(), "\n", " "))
		} else {
			fmt.Println("ok")
		}
	}
}
