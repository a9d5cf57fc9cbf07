// Package auth authenticates users: signed tokens, the key that signs them, and password hashes.
//
// Nothing here is stored and nothing here talks to a network. What a failed check was about is never told to the
// caller, so that an answer can not be used to search for a valid token or name.
package auth
