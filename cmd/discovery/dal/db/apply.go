package db

// MaxChanges is the most changes that one transaction takes, of all kinds together.
const MaxChanges = 1000
