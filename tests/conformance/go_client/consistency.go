// The index of the state that an answer has seen (X-Vault-Index), as Vault's client takes it apart,
// merges it and passes it on.
package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"

	vault "github.com/hashicorp/vault/api"
)

// put writes one version and returns the index of the answer.
func put(ctx context.Context, c *vault.Client, name string) (string, error) {
	var index string
	_, err := c.WithResponseCallbacks(vault.RecordState(&index)).KVv2(mount).Put(ctx, name, map[string]any{"a": "b"})
	if err == nil {
		err = expect(index != "", "the answer has no index")
	}
	return index, err
}

// require reads with these states and says how that ended.
func require(ctx context.Context, c *vault.Client, states ...string) error {
	_, err := c.WithRequestCallbacks(vault.RequireState(states...)).KVv2(mount).Get(ctx, "index/a")
	return err
}

// tampered asks for one event more than the index says, under the same signature.
func tampered(index string) string {
	raw, _ := base64.StdEncoding.DecodeString(index)
	pieces := strings.Split(string(raw), ":")
	pieces[2] += "0"
	return base64.StdEncoding.EncodeToString([]byte(strings.Join(pieces, ":")))
}

func consistency(ctx context.Context, c, other *vault.Client) {
	first, err := put(ctx, c, "index/a")
	check("index of a write", err)
	second, err := put(ctx, c, "index/a")
	check("index of a second write", err)
	elsewhere, err := put(ctx, other, "index/a")
	check("index of a write in another namespace", err)

	one, err := vault.ParseReplicationState(first, nil)
	check("the client parses it", err)
	two, err := vault.ParseReplicationState(second, nil)
	check("the client parses the second", err)
	three, err := vault.ParseReplicationState(elsewhere, nil)
	check("the client parses the other namespace's", err)
	if one == nil || two == nil || three == nil {
		return
	}
	check("it grows", expect(two.LocalIndex > one.LocalIndex, "%d, then %d", one.LocalIndex, two.LocalIndex))
	check("it is the namespace's own", expect(three.ClusterID != one.ClusterID, "both are of %s", one.ClusterID))
	merged := fmt.Sprint(vault.MergeReplicationStates([]string{first}, second))
	check("the client keeps the later one", expect(merged == fmt.Sprint([]string{second}), "merged: %s", merged))
	merged = fmt.Sprint(vault.MergeReplicationStates([]string{second}, first))
	check("whatever comes first", expect(merged == fmt.Sprint([]string{second}), "merged: %s", merged))

	check("a state of the past is there", require(ctx, c, first))
	check("several states", require(ctx, c, first, second, elsewhere))
	check("another namespace's state", require(ctx, other, first))
	check("forward to the active node", func() error {
		_, err := c.WithRequestCallbacks(vault.RequireState(second), vault.ForwardInconsistent()).KVv2(mount).Get(ctx, "index/a")
		return err
	}())
	for name, wrong := range map[string]string{
		"nonsense": "nonsense", "a state beyond its signature": tampered(second),
		"another cluster's": base64.StdEncoding.EncodeToString([]byte("v1:cluster:1:0:" + strings.Repeat("0", 64)))} {
		check(name+" is refused", status(require(ctx, c, wrong), 400))
	}

	// What the client does by itself when it is told to.
	own, err := c.CloneWithHeaders()
	if err == nil {
		own.SetToken(c.Token())
		own.SetReadYourWrites(true)
		_, err = own.KVv2(mount).Put(ctx, "index/b", map[string]any{"a": "c"})
	}
	if err == nil {
		var read *vault.KVSecret
		read, err = own.KVv2(mount).Get(ctx, "index/b")
		if err == nil {
			err = expect(value(read, "a") == "c", "read %+v", read.Data)
		}
	}
	check("reads its own writes", err)
}
