// Package e2ee tests the server with two end-to-end encrypting clients that are not ours: mautrix-go
// in this process, and matrix-js-sdk with its Rust crypto in a Node.js process that test/js/driver.mjs
// runs. Each scenario is written once and played by each make of client and by both together.
//
// Its tests need the build tag goolm, which gives mautrix-go its Olm in pure Go.
package e2ee
