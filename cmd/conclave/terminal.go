package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/term"
)

// askHidden asks on the terminal, which does not show what is typed.
func askHidden(prompt string) (string, error) {
	fmt.Fprint(os.Stderr, prompt)
	typed, err := term.ReadPassword(int(os.Stdin.Fd()))
	fmt.Fprintln(os.Stderr)
	return string(typed), err
}

// askNewPassphrase asks on the terminal for a passphrase, twice.
func askNewPassphrase(prompt string) (string, error) {
	first, err := askHidden(prompt)
	if err != nil {
		return "", err
	}
	again, err := askHidden("Again: ")
	if err != nil {
		return "", err
	}
	if first != again || first == "" {
		return "", errors.New("the passphrases differ or are empty")
	}
	return first, nil
}

// passwordLine reads a password from the first line of standard input.
func passwordLine() (string, error) {
	line, err := bufio.NewReader(os.Stdin).ReadString('\n')
	password := strings.TrimRight(line, "\r\n")
	if password == "" {
		return "", errors.Join(errors.New("there is no password on standard input"), err)
	}
	return password, nil
}
