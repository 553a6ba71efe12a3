// Two tenants through the unmodified Go client of Vault. Address, token and CA come from the
// environment. Prints `ok NAME` or `FAIL NAME: reason` per check; exit status 1 when one failed.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	vault "github.com/hashicorp/vault/api"
)

const (
	mount = "secret"
	path  = "app/db"
)

var failed = 0

func check(name string, err error) bool {
	if err != nil {
		failed++
		fmt.Printf("FAIL go: %s: %s\n", name, strings.ReplaceAll(err.Error(), "\n", " "))
		return false
	}
	fmt.Printf("ok go: %s\n", name)
	return true
}

func expect(condition bool, format string, arguments ...any) error {
	if condition {
		return nil
	}
	return fmt.Errorf(format, arguments...)
}

// status says nil when the error is an answer of the server with that status.
func status(err error, wanted int) error {
	var response *vault.ResponseError
	if errors.As(err, &response) && response.StatusCode == wanted {
		return nil
	}
	return fmt.Errorf("wanted status %d, got: %v", wanted, err)
}

func client(namespace, token string) *vault.Client {
	config := vault.DefaultConfig()
	if config.Error != nil {
		fmt.Printf("FAIL go: configuration: %v\n", config.Error)
		os.Exit(1)
	}
	config.Timeout = 20 * time.Second
	c, err := vault.NewClient(config)
	if err != nil {
		fmt.Printf("FAIL go: client: %v\n", err)
		os.Exit(1)
	}
	c.SetToken(token)
	if namespace != "" {
		c.SetNamespace(namespace)
	}
	return c
}

func value(secret *vault.KVSecret, key string) any {
	if secret == nil || secret.Data == nil {
		return nil
	}
	return secret.Data[key]
}

// secretLife takes one secret of a tenant from its first version to a destroyed one.
func secretLife(ctx context.Context, tenant string, c *vault.Client) {
	kv := c.KVv2(mount)

	written, err := kv.Put(ctx, path, map[string]any{"user": tenant, "port": 5432}, vault.WithCheckAndSet(0))
	if check("write in "+tenant, err) {
		check("first version in "+tenant, expect(written.VersionMetadata.Version == 1,
			"version is %d", written.VersionMetadata.Version))
	}
	_, err = kv.Put(ctx, path, map[string]any{"user": "x"}, vault.WithCheckAndSet(0))
	check("stale cas in "+tenant, status(err, 400))

	read, err := kv.Get(ctx, path)
	if check("read in "+tenant, err) {
		check("value in "+tenant, expect(value(read, "user") == tenant, "user is %v", value(read, "user")))
	}

	listed, err := c.Logical().ListWithContext(ctx, mount+"/metadata/app")
	if err == nil {
		err = expect(listed != nil && fmt.Sprint(listed.Data["keys"]) == "[db]", "listed %+v", listed)
	}
	check("list in "+tenant, err)

	patched, err := kv.Patch(ctx, path, map[string]any{"port": 6432}, vault.WithMergeMethod(vault.KVMergeMethodPatch))
	if check("patch in "+tenant, err) {
		check("patched version in "+tenant, expect(patched.VersionMetadata.Version == 2,
			"version is %d", patched.VersionMetadata.Version))
	}
	read, err = kv.Get(ctx, path)
	if err == nil {
		err = expect(fmt.Sprint(value(read, "port")) == "6432" && value(read, "user") == tenant, "read %v", read.Data)
	}
	check("patched value in "+tenant, err)

	check("delete in "+tenant, kv.Delete(ctx, path))
	read, err = kv.Get(ctx, path)
	if err == nil {
		err = expect(read.Data == nil && !read.VersionMetadata.DeletionTime.IsZero(), "read %+v", read)
	}
	check("deleted version in "+tenant, err)

	check("undelete in "+tenant, kv.Undelete(ctx, path, []int{2}))
	read, err = kv.Get(ctx, path)
	if err == nil {
		err = expect(value(read, "user") == tenant, "read %+v", read)
	}
	check("undeleted value in "+tenant, err)

	check("delete by version in "+tenant, kv.DeleteVersions(ctx, path, []int{1}))
	check("destroy in "+tenant, kv.Destroy(ctx, path, []int{1}))
	read, err = kv.GetVersion(ctx, path, 1)
	if err == nil {
		err = expect(read.Data == nil && read.VersionMetadata.Destroyed, "read %+v", read)
	}
	check("destroyed version in "+tenant, err)

	check("write metadata in "+tenant, kv.PutMetadata(ctx, path, vault.KVMetadataPutInput{
		MaxVersions: 5, CustomMetadata: map[string]any{"owner": tenant, "tier": "1"}}))
	check("patch metadata in "+tenant, kv.PatchMetadata(ctx, path, vault.KVMetadataPatchInput{
		CustomMetadata: map[string]any{"tier": nil}}))
	metadata, err := kv.GetMetadata(ctx, path)
	if err == nil {
		err = expect(metadata.CurrentVersion == 2 && metadata.MaxVersions == 5 && metadata.Versions["1"].Destroyed &&
			fmt.Sprint(metadata.CustomMetadata) == fmt.Sprintf("map[owner:%s]", tenant), "metadata %+v", metadata)
	}
	check("metadata in "+tenant, err)

	_, err = kv.Put(ctx, "app/gone", map[string]any{"a": "b"})
	check("write a second secret in "+tenant, err)
	check("delete all of it in "+tenant, kv.DeleteMetadata(ctx, "app/gone"))
	_, err = kv.Get(ctx, "app/gone")
	check("gone in "+tenant, expect(errors.Is(err, vault.ErrSecretNotFound), "got: %v", err))
}

// readerToken makes a policy for the tenant's secret and a token of it.
func readerToken(ctx context.Context, tenant string, c *vault.Client) string {
	rules := `path "secret/data/app/*" { capabilities = ["read"] }`
	check("policy in "+tenant, c.Sys().PutPolicyWithContext(ctx, "reader", rules))
	stored, err := c.Sys().GetPolicyWithContext(ctx, "reader")
	if err == nil {
		err = expect(stored == rules, "policy reads back as %q", stored)
	}
	check("policy text in "+tenant, err)
	created, err := c.Auth().Token().CreateWithContext(ctx, &vault.TokenCreateRequest{
		Policies: []string{"reader"}, TTL: "1h"})
	if !check("token in "+tenant, err) {
		return ""
	}
	return created.Auth.ClientToken
}

func main() {
	ctx := context.Background()
	rootToken := os.Getenv("VAULT_TOKEN")
	root := client("", rootToken)

	health, err := root.Sys().HealthWithContext(ctx)
	if err == nil {
		err = expect(health.Initialized && !health.Sealed, "health %+v", health)
	}
	check("health", err)
	seal, err := root.Sys().SealStatusWithContext(ctx)
	if err == nil {
		err = expect(!seal.Sealed, "seal status %+v", seal)
	}
	check("seal status", err)

	tokens := map[string]string{}
	for _, tenant := range []string{"north", "south"} {
		_, err := root.Logical().WriteWithContext(ctx, "sys/namespaces/"+tenant, nil)
		check("create namespace "+tenant, err)
		admin := client(tenant, rootToken)
		check("enable kv v2 in "+tenant, admin.Sys().MountWithContext(ctx, mount, &vault.MountInput{
			Type: "kv", Options: map[string]string{"version": "2"}}))
		mounts, err := admin.Sys().ListMountsWithContext(ctx)
		if err == nil {
			entry := mounts[mount+"/"]
			err = expect(entry != nil && entry.Type == "kv" && entry.Options["version"] == "2", "mounts %+v", mounts)
		}
		check("mount in "+tenant, err)
		secretLife(ctx, tenant, admin)
		tokens[tenant] = readerToken(ctx, tenant, admin)
	}

	for tenant, other := range map[string]string{"north": "south", "south": "north"} {
		if tokens[tenant] == "" {
			continue
		}
		home := client(tenant, tokens[tenant])
		self, err := home.Auth().Token().LookupSelfWithContext(ctx)
		if err == nil {
			err = expect(fmt.Sprint(self.Data["policies"]) == "[default reader]", "policies %v", self.Data["policies"])
		}
		check("lookup-self in "+tenant, err)
		read, err := home.KVv2(mount).Get(ctx, path)
		if err == nil {
			err = expect(value(read, "user") == tenant, "read %+v", read.Data)
		}
		check("token of "+tenant+" reads at home", err)
		_, err = home.KVv2(mount).Put(ctx, path, map[string]any{"user": "x"})
		check("token of "+tenant+" may not write", status(err, 403))
		_, err = client(other, tokens[tenant]).KVv2(mount).Get(ctx, path)
		check("token of "+tenant+" is refused in "+other, status(err, 403))
		_, err = client("", tokens[tenant]).Logical().ReadWithContext(ctx, "sys/policies/acl/default")
		check("token of "+tenant+" is refused at the root", status(err, 403))
		check("revoke-self in "+tenant, home.Auth().Token().RevokeSelfWithContext(ctx, ""))
		_, err = home.KVv2(mount).Get(ctx, path)
		check("revoked token in "+tenant, status(err, 403))
	}
	consistency(ctx, client("north", rootToken), client("south", rootToken))
	if failed > 0 {
		os.Exit(1)
	}
}
