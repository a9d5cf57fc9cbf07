package chart

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// everything are values of a cluster that wants something of everything.
func everything() map[string]any {
	all := secrets()
	all["TIKTOK_QUEUE_URLS"], all["TIKTOK_DB_PASSWORD_ADMIN_CHAT"] = "amqps://a:b@one:5671/,amqps://a:b@two:5671/", "another"
	delete(all, "TIKTOK_QUEUE_URL")
	return map[string]any{
		"image":            map[string]any{"repository": "registry.example.com/tiktok", "digest": "sha256:" + strings.Repeat("ab", 32)},
		"imagePullSecrets": []any{map[string]any{"name": "pull"}}, "fullnameOverride": "clips", "nameOverride": "short-video", "secrets": all,
		"serviceAccount": map[string]any{"name": "clips-account", "annotations": map[string]any{"example.com/role": "clips"}},
		"migration":      map[string]any{"ownPasswords": []any{"chat"}, "serviceAccountName": "there-already"},
		"queueCluster":   true, "serversCA": "authorities", "serversCertificate": "client",
		"config": map[string]any{
			"db": map[string]any{
				"addr": "mysql:3306", "read_addr": "mysql-r:3306", "tls": map[string]any{"ca": "/etc/tiktok-ca/ca.crt"},
				"services": map[string]any{"chat": map[string]any{"addr": "mysql-2:3307", "tls": map[string]any{
					"cert": "/etc/tiktok-client/tls.crt", "key": "/etc/tiktok-client/tls.key",
				}}},
			},
		},
		"networkPolicy": map[string]any{"extraEgress": []any{map[string]any{"ports": []any{map[string]any{"port": 3307}}}}},
		"nodeSelector":  map[string]any{"disk": "fast"}, "tolerations": []any{map[string]any{"operator": "Exists"}},
		"affinity": map[string]any{"nodeAffinity": map[string]any{"requiredDuringSchedulingIgnoredDuringExecution": map[string]any{
			"nodeSelectorTerms": []any{map[string]any{"matchExpressions": []any{map[string]any{"key": "a", "operator": "Exists"}}}},
		}}},
		"priorityClassName": "high", "podAnnotations": map[string]any{"example.com/a": "b"}, "podLabels": map[string]any{"team": "video"},
		"topologySpreadConstraints": []any{
			map[string]any{"maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "DoNotSchedule"},
		},
		"extraEnv":          []any{map[string]any{"name": "TIKTOK_TELEMETRY_LOG_LEVEL", "value": "debug"}},
		"extraVolumes":      []any{map[string]any{"name": "more", "emptyDir": map[string]any{"sizeLimit": "1Mi"}}},
		"extraVolumeMounts": []any{map[string]any{"name": "more", "mountPath": "/more"}},
	}
}

// Whatever a cluster asks of every pod is in every pod: services, migration, and test as far as it concerns it.
func TestStrangersCluster(t *testing.T) {
	objects, err := render(t, everything())
	if err != nil {
		t.Fatal(err)
	}
	pods := map[string]corev1.PodTemplateSpec{"migrate": objects["Job clips-migrate"].(*batchv1.Job).Spec.Template}
	for name := range services() {
		pods[name] = objects["Deployment clips-"+name].(*appsv1.Deployment).Spec.Template
	}
	for name, pod := range pods {
		c, spec := pod.Spec.Containers[0], pod.Spec
		if c.Image != "registry.example.com/tiktok@sha256:"+strings.Repeat("ab", 32) || spec.ImagePullSecrets[0].Name != "pull" ||
			spec.NodeSelector["disk"] != "fast" || len(spec.Tolerations) != 1 || spec.Affinity == nil || spec.PriorityClassName != "high" ||
			pod.Annotations["example.com/a"] != "b" || pod.Labels["team"] != "video" || pod.Labels["app.kubernetes.io/name"] != "short-video" {
			t.Errorf("%s: %+v", name, pod)
		}
		env := map[string]corev1.EnvVar{}
		for _, e := range c.Env {
			env[e.Name] = e
		}
		mounts := map[string]string{}
		for _, m := range c.VolumeMounts {
			mounts[m.MountPath] = m.Name
		}
		for _, path := range []string{"/more", "/etc/tiktok-ca", "/etc/tiktok-client"} {
			if !slices.ContainsFunc(spec.Volumes, func(v corev1.Volume) bool { return v.Name == mounts[path] }) {
				t.Errorf("%s: nothing at %s", name, path)
			}
		}
		_, one := env["TIKTOK_QUEUE_URL"]
		urls, many := env["TIKTOK_QUEUE_URLS"]
		if one || many != slices.Contains(uses()[name], "queue") || many && urls.ValueFrom.SecretKeyRef.Key != "TIKTOK_QUEUE_URLS" {
			t.Errorf("%s: the queue is %v, %+v", name, one, urls)
		}
		own, has := env["TIKTOK_DB_SERVICES_CHAT_PASSWORD"]
		if has != (name == "migrate") || has && own.ValueFrom.SecretKeyRef.Key != "TIKTOK_DB_PASSWORD_ADMIN_CHAT" {
			t.Errorf("%s: password of chat's server: %+v", name, own)
		}
		account := "clips-account"
		if name == "migrate" {
			account = "there-already"
		} else if s := spec.TopologySpreadConstraints; len(s) != 1 || s[0].TopologyKey != "topology.kubernetes.io/zone" ||
			s[0].LabelSelector.MatchLabels["app.kubernetes.io/component"] != name {
			t.Errorf("%s is spread by %+v", name, s)
		}
		if spec.ServiceAccountName != account || env["TIKTOK_TELEMETRY_LOG_LEVEL"].Value != "debug" {
			t.Errorf("%s: account %s, variables %v", name, spec.ServiceAccountName, slices.Sorted(maps.Keys(env)))
		}
	}
	if a := objects["ServiceAccount clips-account"].(*corev1.ServiceAccount); a.Annotations["example.com/role"] != "clips" {
		t.Errorf("the account is %+v", a)
	}
	settings := objects["ConfigMap clips-config"].(*corev1.ConfigMap).Data["config.yaml"]
	for _, want := range []string{"read_addr: mysql-r:3306", "addr: mysql-2:3307"} {
		if !strings.Contains(settings, want) {
			t.Errorf("no %s in\n%s", want, settings)
		}
	}
	test := objects["Pod clips-test"].(*corev1.Pod)
	if address := test.Spec.Containers[0].Command; !strings.Contains(address[len(address)-1], "//clips-api/") {
		t.Errorf("helm test asks %v", address)
	}
	checkHooks(t, objects)
}

// Two releases in one namespace have nothing in common.
func TestTwoReleases(t *testing.T) {
	first, err := render(t, map[string]any{"image": image(), "secrets": secrets(), "fullnameOverride": "one"})
	if err != nil {
		t.Fatal(err)
	}
	second, err := render(t, map[string]any{"image": image(), "secrets": secrets(), "fullnameOverride": "two"})
	if err != nil {
		t.Fatal(err)
	}
	if len(first) != len(second) || len(first) < 40 {
		t.Errorf("%d and %d objects", len(first), len(second))
	}
	for name := range first {
		if _, both := second[name]; both {
			t.Errorf("both have %s", name)
		}
	}
}

// What is misspelled, of another type or in the wrong place is refused before anything is installed.
func TestSchema(t *testing.T) {
	set := func(path string, value any) map[string]any {
		values := map[string]any{"image": image(), "secrets": secrets()}
		at, keys := values, strings.Split(path, "/")
		for _, key := range keys[:len(keys)-1] {
			next, ok := at[key].(map[string]any)
			if !ok {
				next = map[string]any{}
				at[key] = next
			}
			at = next
		}
		at[keys[len(keys)-1]] = value
		return values
	}
	for path, value := range map[string]any{
		"replicas": 3, "image/tagg": "1", "image/digest": "1.2.3", "image/pullPolicy": "Sometimes", "services/usr/replicas": 2,
		"services/chat/replica": 2, "services/chat/replicas": "two", "secrets/TIKTOK_DB_PASSWORD_USR": "x", "secrets/TIKTOK_AUTH_SECRT": "x",
		"ingress/hosts": "x", "networkPolicy/server": map[string]any{}, "config/dbs": map[string]any{}, "config/db/password": "x",
		"config/db/services/usr": map[string]any{"addr": "a:1"}, "config/db/services/user/adr": "a:1", "config/db/services/user/password": "x",
		"config/queue/url": "amqp://a:b@c/", "tls/enable": true, "podLabels/a": 1, "extraEnv": map[string]any{},
		"migration/ownPasswords": []any{"api"},
		"fullnameOverride":       "Upper", "targetCPU": 170, "serviceAccount/annotation": map[string]any{},
	} {
		_, err := render(t, set(path, value))
		if err == nil || !strings.Contains(err.Error(), "values don't meet the specifications of the schema") {
			t.Errorf("%s = %v: %v", path, value, err)
		}
	}
	if _, err := render(t, set("services/chat/replicas", 3)); err != nil {
		t.Errorf("a good one: %v", err)
	}
}

// The schema knows every value, and the README explains each.
func TestValuesAreExplained(t *testing.T) {
	readme, err := os.ReadFile("../../deploy/helm/README.md")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile("../../deploy/helm/values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var values map[string]any
	if err := yaml.Unmarshal(raw, &values); err != nil {
		t.Fatal(err)
	}
	for name, value := range values {
		names := []string{name}
		if inner, ok := value.(map[string]any); ok && name != "config" && name != "services" && name != "secrets" {
			for key := range inner {
				names = append(names, name+"."+key)
			}
			if len(inner) > 0 {
				names = names[1:]
			}
		}
		for _, n := range names {
			if !strings.Contains(string(readme), "`"+n+"`") {
				t.Errorf("README.md does not explain %s", n)
			}
		}
	}
}
