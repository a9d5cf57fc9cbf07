package main

import (
	"bytes"
	"strconv"
	"time"
)

// tokenSign is before a token that is not empty.
const tokenSign = `"token":"ey`

// login logs users in by name and password.
func login() scenario {
	return scenario{
		name: "login", about: "logins with name and password", conns: readers, hashes: true, check: loggedIn,
		build: func(d *dataset, host string) request {
			end := "&password=" + password + target(host, noBody)
			return func(dst []byte, n uint64) []byte {
				dst = append(dst, "POST /douyin/user/login/?username="...)
				dst = append(dst, d.user(n).name...)
				return append(dst, end...)
			}
		},
	}
}

// register makes new users, who are not part of the data set.
func register() scenario {
	return scenario{
		name: "register", about: "registrations", conns: readers, hashes: true, check: loggedIn,
		build: func(_ *dataset, host string) request {
			// The moment makes the names new, also in a deployment that was measured before.
			start := "POST /douyin/user/register/?username=new" + strconv.FormatInt(time.Now().UnixMilli(), 36) + "_"
			end := "&password=" + password + target(host, noBody)
			return func(dst []byte, n uint64) []byte {
				dst = strconv.AppendUint(append(dst, start...), n, 10)
				return append(dst, end...)
			}
		},
	}
}

func loggedIn(*dataset) judge {
	status, sign := envelope(), []byte(tokenSign)
	return func(n uint64, code int, body []byte) verdict {
		v := status(n, code, body)
		if v == accepted && !bytes.Contains(body, sign) {
			return failed
		}
		return v
	}
}
