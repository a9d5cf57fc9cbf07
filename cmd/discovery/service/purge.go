package service

import "time"

// purgeAge is the age from which what ended is removed.
const purgeAge = maxLate + 48*time.Hour
