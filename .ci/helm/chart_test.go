// Package chart checks deploy/helm: it renders the chart with Helm's own engine and decodes every object strictly into the
// types of Kubernetes, so that a misspelled or misplaced field is an error, and compares what belongs together.
package chart

import (
	"fmt"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// serviceMonitor is what the chart uses of the Prometheus operator's type.
type serviceMonitor struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		Selector  metav1.LabelSelector `json:"selector"`
		Endpoints []struct {
			Port, Path, Interval string
			Relabelings          []struct{ TargetLabel, Replacement string }
		} `json:"endpoints"`
	} `json:"spec"`
}

// certificate and issuer are what the chart uses of cert-manager's types.
type certificate struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		IsCA                                          bool
		CommonName, SecretName, Duration, RenewBefore string
		DNSNames                                      []string `json:"dnsNames"`
		Usages                                        []string
		PrivateKey                                    struct {
			Algorithm, RotationPolicy string
			Size                      int
		}
		IssuerRef struct{ Name, Kind, Group string }
	} `json:"spec"`
}

type issuer struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		SelfSigned *struct{}                    `json:"selfSigned"`
		CA         *struct{ SecretName string } `json:"ca"`
	} `json:"spec"`
}

// types are the kinds that the chart may make.
func types() map[string]any {
	return map[string]any{
		"apps/v1 Deployment":                      appsv1.Deployment{},
		"v1 Service":                              corev1.Service{},
		"v1 ConfigMap":                            corev1.ConfigMap{},
		"v1 ServiceAccount":                       corev1.ServiceAccount{},
		"v1 Pod":                                  corev1.Pod{},
		"v1 Secret":                               corev1.Secret{},
		"batch/v1 Job":                            batchv1.Job{},
		"policy/v1 PodDisruptionBudget":           policyv1.PodDisruptionBudget{},
		"autoscaling/v2 HorizontalPodAutoscaler":  autoscalingv2.HorizontalPodAutoscaler{},
		"networking.k8s.io/v1 NetworkPolicy":      networkingv1.NetworkPolicy{},
		"networking.k8s.io/v1 Ingress":            networkingv1.Ingress{},
		"monitoring.coreos.com/v1 ServiceMonitor": serviceMonitor{},
		"cert-manager.io/v1 Certificate":          certificate{},
		"cert-manager.io/v1 Issuer":               issuer{},
	}
}

func image() map[string]any { return map[string]any{"repository": "registry.example.com/tiktok"} }

func secrets() map[string]any {
	out := map[string]any{}
	for _, name := range []string{"AUTH_SECRET", "CACHE_PASSWORD", "QUEUE_URL", "BLOB_S3_SECRET_KEY", "RPC_REGISTRY_PASSWORD"} {
		out["TIKTOK_"+name] = "secret"
	}
	out["TIKTOK_DB_PASSWORD_ADMIN"] = "secret"
	for name, s := range services() {
		if slices.Contains(s.Uses, "db") {
			out["TIKTOK_DB_PASSWORD_"+strings.ToUpper(name)] = "secret"
		}
	}
	return out
}

// render returns the objects by "kind name".
func render(t *testing.T, values map[string]any) (map[string]any, error) {
	t.Helper()
	chart, err := loader.Load("../../deploy/helm")
	if err != nil {
		t.Fatal(err)
	}
	release := chartutil.ReleaseOptions{Name: "shop", Namespace: "video", Revision: 1, IsInstall: true}
	all, err := chartutil.ToRenderValues(chart, values, release, chartutil.DefaultCapabilities)
	if err != nil {
		return nil, err
	}
	files, err := engine.Engine{Strict: true}.Render(chart, all)
	if err != nil {
		return nil, err
	}
	objects := map[string]any{}
	for _, file := range slices.Sorted(maps.Keys(files)) {
		if !strings.HasSuffix(file, ".yaml") {
			continue
		}
		for _, doc := range strings.Split(files[file], "\n---") {
			if strings.TrimSpace(doc) == "" {
				continue
			}
			name, object := decode(t, file, doc)
			if _, twice := objects[name]; twice {
				t.Errorf("%s: %s twice", file, name)
			}
			objects[name] = object
		}
	}
	return objects, nil
}

func decode(t *testing.T, file, doc string) (string, any) {
	t.Helper()
	var meta struct {
		metav1.TypeMeta `json:",inline"`
		Metadata        metav1.ObjectMeta
	}
	if err := yaml.Unmarshal([]byte(doc), &meta); err != nil {
		t.Fatalf("%s: %v\n%s", file, err, doc)
	}
	kind, ok := types()[meta.APIVersion+" "+meta.Kind]
	if !ok {
		t.Fatalf("%s: %s %s is not known here\n%s", file, meta.APIVersion, meta.Kind, doc)
	}
	object := reflect.New(reflect.TypeOf(kind))
	if err := yaml.UnmarshalStrict([]byte(doc), object.Interface()); err != nil {
		t.Fatalf("%s: %s %s: %v\n%s", file, meta.Kind, meta.Metadata.Name, err, doc)
	}
	return meta.Kind + " " + meta.Metadata.Name, object.Interface()
}

func TestChart(t *testing.T) {
	for name, values := range map[string]map[string]any{
		"defaults": {"image": image(), "secrets": secrets()},
		"everything": {
			"image": image(), "existingSecret": "theirs", "imagePullSecrets": []any{map[string]any{"name": "pull"}},
			"nodeSelector": map[string]any{"disk": "ssd"}, "tolerations": []any{map[string]any{"key": "video", "operator": "Exists"}},
			"ingress":   map[string]any{"enabled": true, "tlsSecret": "tls"},
			"tls":       map[string]any{"enabled": true},
			"serversCA": "authority",
			"webPush":   true,
			"config": map[string]any{
				"push": map[string]any{"subject": "mailto:ops@example.com"},
				"discovery": map[string]any{"engine": "opensearch", "opensearch": map[string]any{
					"addrs": []any{"https://opensearch:9200"}, "username": "tiktok",
				}},
				"rpc":       map[string]any{"registry_username": "tiktok"},
				"telemetry": map[string]any{"otlp_endpoint": "http://jaeger:4318"}},
			"networkPolicy": map[string]any{"servers": map[string]any{"db": map[string]any{"to": []any{
				map[string]any{"ipBlock": map[string]any{"cidr": "10.1.2.3/32"}},
			}}}},
			"serviceMonitor": map[string]any{"enabled": true, "labels": map[string]any{"release": "prometheus"}},
		},
		"little": {
			"image": image(), "secrets": secrets(), "networkPolicy": map[string]any{"enabled": false},
			"migration": map[string]any{"enabled": false},
			"services":  map[string]any{"chat": map[string]any{"replicas": 1, "max": 1}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			objects, err := render(t, values)
			if err != nil {
				t.Fatal(err)
			}
			for s := range services() {
				checkService(t, objects, s)
			}
			checkMigration(t, objects)
			if name != "little" {
				checkNetwork(t, objects, name == "everything")
			}
			checkCertificates(t, objects, name == "everything")
			checkIngress(t, objects)
			has := func(want bool, object string) {
				t.Helper()
				if _, ok := objects[object]; ok != want {
					t.Errorf("%s: %v, want %v", object, ok, want)
				}
			}
			has(true, "ConfigMap shop-config")
			has(name != "everything", "Secret shop-secrets")
			has(true, "ServiceAccount shop")
			has(true, "Pod shop-test")
			checkHooks(t, objects)
			has(name == "everything", "Ingress shop")
			has(name == "everything", "ServiceMonitor shop-chat")
			has(name != "little", "NetworkPolicy shop-chat")
			has(name != "little", "Job shop-migrate")
			has(name != "little", "HorizontalPodAutoscaler shop-chat")
			has(true, "HorizontalPodAutoscaler shop-user")
		})
	}
}

// checkService compares the objects of one service with each other: what selects pods finds them, probes and targets name
// ports that are there, and a pod may not do more than it has to.
func checkService(t *testing.T, objects map[string]any, name string) {
	t.Helper()
	full := "shop-" + name
	d, ok := objects["Deployment "+full].(*appsv1.Deployment)
	if !ok {
		t.Errorf("no Deployment %s", full)
		return
	}
	pod := d.Spec.Template
	c := pod.Spec.Containers[0]
	ports := map[string]int32{}
	for _, p := range c.Ports {
		ports[p.Name] = p.ContainerPort
	}
	selects := func(what string, selector map[string]string) {
		t.Helper()
		for k, v := range selector {
			if pod.Labels[k] != v || len(selector) < 3 {
				t.Errorf("%s of %s selects %v, pods are %v", what, full, selector, pod.Labels)
				return
			}
		}
	}
	selects("Deployment", d.Spec.Selector.MatchLabels)
	selects("Service", objects["Service "+full].(*corev1.Service).Spec.Selector)
	selects("PodDisruptionBudget", objects["PodDisruptionBudget "+full].(*policyv1.PodDisruptionBudget).Spec.Selector.MatchLabels)
	if np, ok := objects["NetworkPolicy "+full].(*networkingv1.NetworkPolicy); ok {
		selects("NetworkPolicy", np.Spec.PodSelector.MatchLabels)
	}
	if m, ok := objects["ServiceMonitor "+full].(*serviceMonitor); ok {
		selects("ServiceMonitor", m.Spec.Selector.MatchLabels)
		if labels := objects["Service "+full].(*corev1.Service).Labels; labels["app.kubernetes.io/component"] != name {
			t.Errorf("ServiceMonitor %s looks for services by labels that they lack: %v", full, labels)
		}
	}
	for what, probe := range map[string]*corev1.Probe{"startup": c.StartupProbe, "liveness": c.LivenessProbe,
		"readiness": c.ReadinessProbe} {
		if probe == nil || ports[probe.HTTPGet.Port.StrVal] == 0 {
			t.Errorf("%s: %s probe %+v, ports %v", full, what, probe, ports)
		}
	}
	for _, p := range objects["Service "+full].(*corev1.Service).Spec.Ports {
		if ports[p.TargetPort.StrVal] == 0 {
			t.Errorf("Service %s: target %v, ports %v", full, p.TargetPort, ports)
		}
	}
	volumes := map[string]bool{}
	for _, v := range pod.Spec.Volumes {
		volumes[v.Name] = true
	}
	for _, m := range c.VolumeMounts {
		if !volumes[m.Name] {
			t.Errorf("%s mounts %s, which is no volume", full, m.Name)
		}
	}
	if s := c.SecurityContext; s == nil || !*s.ReadOnlyRootFilesystem || *s.AllowPrivilegeEscalation ||
		!*pod.Spec.SecurityContext.RunAsNonRoot {
		t.Errorf("%s may do too much: %+v", full, c.SecurityContext)
	}
	if len(c.EnvFrom) > 0 || !volumes["config"] {
		t.Errorf("%s is given all secrets, or has no settings: %+v", full, c.EnvFrom)
	}
	checkSecrets(t, objects, full, name, c.Env)
	for _, v := range pod.Spec.Volumes {
		if v.EmptyDir != nil && v.EmptyDir.SizeLimit == nil {
			t.Errorf("%s may fill the disk of its node with %s", full, v.Name)
		}
	}
	if c.Image != "registry.example.com/tiktok:1.0.0" || c.Resources.Limits.Memory().IsZero() ||
		c.Resources.Limits.Cpu().IsZero() || c.Resources.Requests.Cpu().IsZero() {
		t.Errorf("%s: image %s, resources %+v", full, c.Image, c.Resources)
	}
	if h, ok := objects["HorizontalPodAutoscaler "+full].(*autoscalingv2.HorizontalPodAutoscaler); ok {
		if h.Spec.ScaleTargetRef.Name != full || d.Spec.Replicas != nil || h.Spec.MaxReplicas > 64 {
			t.Errorf("HorizontalPodAutoscaler %s: %+v, the Deployment says %v itself", full, h.Spec, d.Spec.Replicas)
		}
	} else if d.Spec.Replicas == nil {
		t.Errorf("%s: nobody says how many", full)
	}
}

// service is what the chart knows of a service: the servers that it uses, and who calls it.
type service struct{ Uses, Callers []string }

// services is the chart's own list, which deploy/generate makes of the list of services; test/deploy compares the two.
func services() map[string]service {
	text, err := os.ReadFile("../../deploy/helm/templates/_helpers.tpl")
	if err != nil {
		panic(err)
	}
	block := regexp.MustCompile(`(?s)# generated services[^\n]*\n(.*)# end services`).FindSubmatch(text)
	var all map[string]service
	if err := yaml.Unmarshal(block[1], &all); err != nil || len(all) < 6 {
		panic(fmt.Sprintf("%d services, %v", len(all), err))
	}
	return all
}

// uses are the servers of each pod, callees the services that it calls.
func uses() map[string][]string {
	all := map[string][]string{"migrate": {"db"}}
	for name, s := range services() {
		all[name] = s.Uses
	}
	return all
}

func callees() map[string][]string {
	all := map[string][]string{}
	for name, s := range services() {
		for _, caller := range s.Callers {
			all[caller] = append(all[caller], name)
		}
	}
	return all
}

// checkSecrets: a pod is given the secrets of the servers that it uses, the gateway the key of tokens, and nothing else.
func checkSecrets(t *testing.T, objects map[string]any, full, name string, env []corev1.EnvVar) {
	t.Helper()
	account := strings.ToUpper(name)
	if name == "migrate" {
		account = "ADMIN"
	}
	keys := map[string]string{
		"db": "TIKTOK_DB_PASSWORD_" + account, "cache": "TIKTOK_CACHE_PASSWORD", "queue": "TIKTOK_QUEUE_URL",
		"media": "TIKTOK_BLOB_S3_SECRET_KEY",
	}
	config := objects["ConfigMap shop-config"].(*corev1.ConfigMap).Data["config.yaml"]
	if strings.Contains(config, "registry_username: tiktok") {
		keys["registry"] = "TIKTOK_RPC_REGISTRY_PASSWORD"
	}
	if strings.Contains(config, "mailto:") {
		keys["push"] = "TIKTOK_PUSH_PRIVATE_KEY"
	}
	if strings.Contains(config, "engine: opensearch") {
		keys["index"] = "TIKTOK_DISCOVERY_OPENSEARCH_PASSWORD"
	}
	want := map[string]bool{}
	for _, server := range uses()[name] {
		if key := keys[server]; key != "" {
			want[key] = true
		}
	}
	if name == "api" {
		want["TIKTOK_AUTH_SECRET"] = true
	}
	secretName := "Secret shop-secrets"
	if name == "migrate" {
		secretName = "Secret shop-migrate"
	}
	secret, made := objects[secretName].(*corev1.Secret)
	for _, e := range env {
		if e.Name == "TIKTOK_DB_USER" && e.Value != "tiktok_"+strings.ToLower(account) {
			t.Errorf("%s logs in to MySQL as %s", full, e.Value)
		}
		if e.ValueFrom == nil || e.ValueFrom.SecretKeyRef == nil {
			continue
		}
		ref := e.ValueFrom.SecretKeyRef
		if !want[ref.Key] {
			t.Errorf("%s is given %s", full, ref.Key)
		}
		delete(want, ref.Key)
		if _, ok := secretData(secret)[ref.Key]; made && (!ok || ref.Name != secret.Name) || !made && ref.Name != "theirs" {
			t.Errorf("%s: %s of the Secret %s is not there", full, ref.Key, ref.Name)
		}
	}
	if len(want) > 0 {
		t.Errorf("%s is not given %v", full, want)
	}
}

func secretData(s *corev1.Secret) map[string]string {
	if s == nil {
		return nil
	}
	return s.StringData
}

// checkNetwork: each pod is reached by its callers, and reaches its callees, its servers and the names, and no more.
func checkNetwork(t *testing.T, objects map[string]any, everything bool) {
	t.Helper()
	ports := map[string]int{"db": 3306, "cache": 6379, "queue": 5672, "registry": 2379, "media": 9000, "push": 443, "index": 9200}
	for name, servers := range uses() {
		np, ok := objects["NetworkPolicy shop-"+name].(*networkingv1.NetworkPolicy)
		if !ok {
			t.Errorf("no NetworkPolicy for %s", name)
			continue
		}
		if !slices.Equal(np.Spec.PolicyTypes, []networkingv1.PolicyType{"Ingress", "Egress"}) ||
			np.Spec.PodSelector.MatchLabels["app.kubernetes.io/component"] != name {
			t.Errorf("NetworkPolicy of %s: %+v", name, np.Spec)
		}
		got, want := map[string]bool{}, map[string]bool{"in admin": true, "out 53": true}
		for _, callee := range callees()[name] {
			want["out rpc "+callee] = true
		}
		for caller, list := range callees() {
			if slices.Contains(list, name) {
				want["in rpc "+caller] = true
			}
		}
		for _, server := range servers {
			if (server == "push" || server == "index") && !everything {
				continue // it is switched off, or in the pod
			}
			want[fmt.Sprintf("out %d", ports[server])] = true
		}
		switch {
		case name == "api":
			want["in http"] = true
		case name == "migrate":
			delete(want, "in admin")
		}
		if everything && name != "migrate" {
			want["out 4318"] = true
		}
		for _, rule := range np.Spec.Ingress {
			port := rule.Ports[0].Port.String()
			if port != "rpc" {
				got["in "+port] = true
				continue
			}
			for _, e := range rule.From[0].PodSelector.MatchExpressions {
				for _, caller := range e.Values {
					got["in rpc "+caller] = true
				}
			}
		}
		for _, rule := range np.Spec.Egress {
			port := rule.Ports[0].Port.String()
			if port == "rpc" {
				port += " " + rule.To[0].PodSelector.MatchLabels["app.kubernetes.io/component"]
			}
			if port == "3306" && everything && (len(rule.To) != 1 || rule.To[0].IPBlock.CIDR != "10.1.2.3/32") {
				t.Errorf("%s reaches MySQL at %+v", name, rule.To)
			}
			got["out "+port] = true
		}
		if !maps.Equal(got, want) {
			t.Errorf("%s: let through %v, want %v", name, slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
		}
	}
}

// checkCertificates: with TLS each pod mounts the secret of a certificate for the name of its service, signed by an authority
// that is there.
func checkCertificates(t *testing.T, objects map[string]any, enabled bool) {
	t.Helper()
	for name := range services() {
		pod := objects["Deployment shop-"+name].(*appsv1.Deployment).Spec.Template.Spec
		at := slices.IndexFunc(pod.Volumes, func(v corev1.Volume) bool { return v.Name == "tls" })
		cert, made := objects["Certificate shop-"+name].(*certificate)
		if at < 0 != !enabled || made != enabled {
			t.Errorf("%s: volume %d, certificate %v, want %v", name, at, made, enabled)
			continue
		}
		if !enabled {
			continue
		}
		if cert.Spec.SecretName != pod.Volumes[at].Secret.SecretName || !slices.Equal(cert.Spec.DNSNames, []string{name}) ||
			!slices.Contains(cert.Spec.Usages, "client auth") {
			t.Errorf("%s mounts %+v, the certificate is %+v", name, pod.Volumes[at].Secret, cert.Spec)
		}
		by, ok := objects["Issuer "+cert.Spec.IssuerRef.Name].(*issuer)
		if !ok || by.Spec.CA == nil {
			t.Errorf("%s: issuer %+v: %+v", name, cert.Spec.IssuerRef, by)
			continue
		}
		if ca, ok := objects["Certificate shop-ca"].(*certificate); !ok || !ca.Spec.IsCA ||
			ca.Spec.SecretName != by.Spec.CA.SecretName {
			t.Errorf("the authority is %+v", ca)
		}
		env := map[string]string{}
		for _, e := range pod.Containers[0].Env {
			env[e.Name] = e.Value
		}
		if !strings.HasSuffix(env["TIKTOK_RPC_TLS_KEY"], "/tls.key") || env["TIKTOK_RPC_TLS_CA"] == "" ||
			env["TIKTOK_RPC_TLS_CERT"] == "" {
			t.Errorf("%s does not use its certificate: %v", name, env)
		}
	}
}

// checkMigration: the Job runs before anything is replaced, and what it reads is there by then.
func checkMigration(t *testing.T, objects map[string]any) {
	t.Helper()
	job, ok := objects["Job shop-migrate"].(*batchv1.Job)
	if !ok {
		return
	}
	weight := func(meta metav1.ObjectMeta) int {
		t.Helper()
		n, err := strconv.Atoi(meta.Annotations["helm.sh/hook-weight"])
		if err != nil || meta.Annotations["helm.sh/hook"] != "pre-install,pre-upgrade" {
			t.Errorf("%s is no hook before an install and an upgrade: %v", meta.Name, meta.Annotations)
		}
		return n
	}
	c := job.Spec.Template.Spec.Containers[0]
	if !slices.Equal(c.Args, []string{"migrate"}) || len(c.EnvFrom) > 0 || job.Spec.ActiveDeadlineSeconds == nil ||
		c.Resources.Limits.Cpu().IsZero() {
		t.Errorf("the migration is %+v", job.Spec)
	}
	checkSecrets(t, objects, job.Name, "migrate", c.Env)
	at := weight(job.ObjectMeta)
	settings := objects["ConfigMap shop-migrate"].(*corev1.ConfigMap)
	if weight(settings.ObjectMeta) >= at {
		t.Error("the settings come after the migration")
	}
	if theirs := objects["ConfigMap shop-config"].(*corev1.ConfigMap); strings.TrimSpace(theirs.Data["config.yaml"]) !=
		strings.TrimSpace(settings.Data["config.yaml"]) {
		t.Error("the migration has other settings than the services")
	}
	if secret, ok := objects["Secret shop-migrate"].(*corev1.Secret); ok && weight(secret.ObjectMeta) >= at {
		t.Error("the secrets come after the migration")
	}
	for _, v := range job.Spec.Template.Spec.Volumes {
		if v.ConfigMap != nil && v.Name == "config" && v.ConfigMap.Name != settings.Name {
			t.Errorf("the migration reads %s, which is not there yet", v.ConfigMap.Name)
		}
	}
}

// checkHooks: helm uninstall leaves what a hook has made, so each goes by itself when it has done its work; what stays is none.
func checkHooks(t *testing.T, objects map[string]any) {
	t.Helper()
	for name, object := range objects {
		meta, ok := object.(metav1.Object)
		if !ok {
			continue
		}
		hook, policy := meta.GetAnnotations()["helm.sh/hook"], meta.GetAnnotations()["helm.sh/hook-delete-policy"]
		of := strings.HasSuffix(name, "-migrate") || strings.HasSuffix(name, "-test")
		if (hook != "") != of || of && !strings.Contains(policy, "hook-succeeded") {
			t.Errorf("%s is a hook: %q, deleted: %q", name, hook, policy)
		}
	}
}

// checkIngress: it leads to a port that the gateway's Service has.
func checkIngress(t *testing.T, objects map[string]any) {
	t.Helper()
	ingress, ok := objects["Ingress shop"].(*networkingv1.Ingress)
	if !ok {
		return
	}
	backend := ingress.Spec.Rules[0].HTTP.Paths[0].Backend.Service
	service, ok := objects["Service "+backend.Name].(*corev1.Service)
	if !ok || !slices.ContainsFunc(service.Spec.Ports, func(p corev1.ServicePort) bool { return p.Name == backend.Port.Name }) {
		t.Errorf("the Ingress leads to %+v, the Service is %+v", backend, service)
	}
	if len(ingress.Spec.TLS) != 1 || ingress.Spec.TLS[0].SecretName != "tls" ||
		ingress.Spec.TLS[0].Hosts[0] != ingress.Spec.Rules[0].Host {
		t.Errorf("TLS of the Ingress: %+v", ingress.Spec.TLS)
	}
}

// A misspelled field is an error, or this test shows nothing.
func TestStrict(t *testing.T) {
	var d appsv1.Deployment
	if err := yaml.UnmarshalStrict([]byte("apiVersion: apps/v1\nkind: Deployment\nspec: {template: {spec: {containers: [{name: a, "+
		"readynessProbe: {}}]}}}\n"), &d); err == nil {
		t.Error("readynessProbe was taken")
	}
}

// What nobody can guess is asked for.
func TestRequired(t *testing.T) {
	for want, values := range map[string]map[string]any{
		"image.repository": {"secrets": secrets()},
		"secrets.TIKTOK_":  {"image": image()}, // any of them
	} {
		if _, err := render(t, values); err == nil || !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("without %s: %v", want, err)
		}
	}
}
