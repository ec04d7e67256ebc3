// Command interop speaks the standards of the audit log with Go's own libraries, so that neither side marks its own work.
//
//	interop check < bundle.json    verify what Gatehouse made; one line for each question
//	interop make SIZE              make a log, and prove every pair of sizes and every record of it
package main

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"

	cosignature "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Bundle is what Gatehouse hands over: keys, and questions that should be answered with yes or no.
type Bundle struct {
	LogKey     string     `json:"log_key"`
	WitnessKey string     `json:"witness_key"`
	Questions  []Question `json:"questions"`
}

// Question is one proof: of a record in the log, of growth between two notes, or of a cosignature on a note.
type Question struct {
	Name   string   `json:"name"`
	Record string   `json:"record"`
	Index  int64    `json:"index"`
	Older  string   `json:"older"`
	Note   string   `json:"note"`
	Proof  []string `json:"proof"`
}

// Made is a log that Go made, with everything that can be proven about it.
type Made struct {
	LogKey     string      `json:"log_key"`
	WitnessKey string      `json:"witness_key"`
	Notes      []string    `json:"notes"`
	Cosigned   string      `json:"cosigned"`
	Records    []string    `json:"records"`
	Inclusion  []Inclusion `json:"inclusion"`
	Growth     []Growth    `json:"growth"`
}

type Inclusion struct {
	Index int64    `json:"index"`
	Proof []string `json:"proof"`
}

type Growth struct {
	From  int64    `json:"from"`
	To    int64    `json:"to"`
	Proof []string `json:"proof"`
}

const (
	origin  = "go.example/log"
	witness = "go.example/witness"
)

func main() {
	log.SetFlags(0)
	switch {
	case len(os.Args) == 2 && os.Args[1] == "check":
		check()
	case len(os.Args) == 3 && os.Args[1] == "make":
		size, err := strconv.ParseInt(os.Args[2], 10, 64)
		must(err)
		write(build(size))
	default:
		log.Fatal("usage: interop check | interop make SIZE")
	}
}

func check() {
	var bundle Bundle
	must(json.NewDecoder(os.Stdin).Decode(&bundle))
	logKey, err := note.NewVerifier(bundle.LogKey)
	must(err)
	witnessKey, err := cosignature.NewVerifierForCosignatureV1(bundle.WitnessKey)
	must(err)
	answers := map[string]string{}
	for _, question := range bundle.Questions {
		answers[question.Name] = "yes"
		if err := answer(question, logKey, witnessKey); err != nil {
			answers[question.Name] = "no: " + err.Error()
		}
	}
	write(answers)
}

func answer(question Question, logKey, witnessKey note.Verifier) error {
	size, root, err := open(question.Note, logKey)
	if err != nil {
		return err
	}
	proof := make([]tlog.Hash, len(question.Proof))
	for at, encoded := range question.Proof {
		if proof[at], err = tlog.ParseHash(encoded); err != nil {
			return err
		}
	}
	switch {
	case question.Record != "":
		record, err := base64.StdEncoding.DecodeString(question.Record)
		if err != nil {
			return err
		}
		return tlog.CheckRecord(proof, size, root, question.Index, tlog.RecordHash(record))
	case question.Older != "":
		olderSize, olderRoot, err := open(question.Older, logKey)
		if err != nil {
			return err
		}
		return tlog.CheckTree(proof, size, root, olderSize, olderRoot)
	default:
		_, err := note.Open([]byte(question.Note), note.VerifierList(witnessKey))
		return err
	}
}

func open(text string, key note.Verifier) (int64, tlog.Hash, error) {
	opened, err := note.Open([]byte(text), note.VerifierList(key))
	if err != nil {
		return 0, tlog.Hash{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 || lines[0] != key.Name() {
		return 0, tlog.Hash{}, fmt.Errorf("not a checkpoint of %s", key.Name())
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return 0, tlog.Hash{}, err
	}
	root, err := tlog.ParseHash(lines[2])
	return size, root, err
}

func build(size int64) Made {
	secret, public, err := note.GenerateKey(rand.Reader, origin)
	must(err)
	signer, err := note.NewSigner(secret)
	must(err)
	witnessSecret, plain, err := note.GenerateKey(rand.Reader, witness)
	must(err)
	witnessPublic, err := cosignature.VKeyToCosignatureV1(plain)
	must(err)
	cosigner, err := cosignature.NewSignerForCosignatureV1(witnessSecret)
	must(err)
	made := Made{LogKey: public, WitnessKey: witnessPublic}
	stored := hashes{}
	for n := int64(0); n < size; n++ {
		record := []byte(fmt.Sprintf("record %d", n))
		made.Records = append(made.Records, base64.StdEncoding.EncodeToString(record))
		more, err := tlog.StoredHashes(n, record, stored)
		must(err)
		stored = append(stored, more...)
		made.Notes = append(made.Notes, string(sign(n+1, stored, signer)))
	}
	made.Cosigned = string(sign(size, stored, signer, cosigner))
	prove(&made, size, stored)
	return made
}

func prove(made *Made, size int64, stored hashes) {
	for n := int64(0); n < size; n++ {
		proof, err := tlog.ProveRecord(size, n, stored)
		must(err)
		made.Inclusion = append(made.Inclusion, Inclusion{n, encoded(proof)})
	}
	for to := int64(1); to <= size; to++ {
		for from := int64(1); from <= to; from++ {
			proof, err := tlog.ProveTree(to, from, stored)
			must(err)
			made.Growth = append(made.Growth, Growth{from, to, encoded(proof)})
		}
	}
}

func sign(size int64, stored hashes, signers ...note.Signer) []byte {
	root, err := tlog.TreeHash(size, stored)
	must(err)
	signed, err := note.Sign(&note.Note{Text: fmt.Sprintf("%s\n%d\n%s\n", origin, size, root)}, signers...)
	must(err)
	return signed
}

func encoded(proof []tlog.Hash) []string {
	texts := make([]string, len(proof))
	for at, hash := range proof {
		texts[at] = hash.String()
	}
	return texts
}

type hashes []tlog.Hash

func (stored hashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(indexes))
	for at, index := range indexes {
		found[at] = stored[index]
	}
	return found, nil
}

func write(document any) {
	must(json.NewEncoder(os.Stdout).Encode(document))
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
