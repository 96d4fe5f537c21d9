// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Text.RegularExpressions;
using k8s;
using k8s.Models;
using YamlDotNet.Core;

namespace Teravox.Deploy.Tests;

/// <summary>
/// Kubernetes manifests, checked without a cluster: against the API's own types, where a field that is not theirs is an
/// error, for the fields that the API requires and the words it knows, and for what must agree from one manifest to another.
/// </summary>
internal sealed partial class KubernetesManifests
{
    private const string Namespace = "teravox";
    private const string ClusterName = "kubernetes.io/metadata.name";

    private readonly List<string> _problems = [];
    private readonly List<IKubernetesObject<V1ObjectMeta>> _objects = [];

    private KubernetesManifests()
    {
    }

    /// <summary>What is wrong with these files (name, text); empty when nothing is.</summary>
    public static IReadOnlyList<string> Problems(IReadOnlyDictionary<string, string> files)
    {
        var manifests = new KubernetesManifests();
        foreach (var (name, text) in files.OrderBy(f => f.Key, StringComparer.Ordinal))
            manifests.Read(name, text);
        if (manifests._problems.Count == 0)
            manifests.Check();
        return manifests._problems;
    }

    private void Read(string file, string text)
    {
        try
        {
            foreach (var one in KubernetesYaml.LoadAllFromString(text, typeMap: null, strict: true))
                _objects.Add((IKubernetesObject<V1ObjectMeta>)one);
        }
        catch (Exception e) when (e is YamlException or KeyNotFoundException or InvalidCastException or FormatException)
        {
            _problems.Add($"{file}: {e.Message} {e.InnerException?.Message}");
        }
    }

    private IEnumerable<T> All<T>() => _objects.OfType<T>();

    private void Must(bool holds, string what)
    {
        if (!holds)
            _problems.Add(what);
    }

    private void Check()
    {
        foreach (var twice in _objects.GroupBy(o => (o.Kind, o.Metadata?.Name)).Where(g => g.Count() > 1))
            _problems.Add($"{twice.Key.Kind} {twice.Key.Name}: two of the same name");
        foreach (var one in _objects)
        {
            Must(one.Metadata?.Name is { } name && DnsName().IsMatch(name), $"{one.Kind}: metadata.name is missing or no name");
            Must(one is V1Namespace || one.Metadata?.NamespaceProperty == Namespace, $"{one.Kind} {one.Metadata?.Name}: not in namespace {Namespace}");
        }

        foreach (var deployment in All<V1Deployment>())
            CheckDeployment(deployment);
        foreach (var job in All<V1Job>())
        {
            var what = $"Job {job.Metadata.Name}";
            Must(job.Spec?.Template?.Spec?.RestartPolicy is "Never" or "OnFailure", $"{what}: restartPolicy");
            Must(job.Spec?.BackoffLimit is > 0, $"{what}: no backoffLimit: the database may not be up yet");
            CheckPod(what, job.Spec?.Template);
        }

        CheckStore();
        CheckWays();
        CheckDisruption();
        CheckNetwork();
    }

    private void CheckDeployment(V1Deployment deployment)
    {
        var what = $"Deployment {deployment.Metadata.Name}";
        var spec = deployment.Spec;
        Must(Selects(spec?.Selector?.MatchLabels, spec?.Template?.Metadata?.Labels), $"{what}: its selector does not select its pods");
        Must(spec?.Strategy?.Type is "RollingUpdate" or "Recreate", $"{what}: strategy.type");
        CheckPod(what, spec?.Template);

        var pod = spec?.Template?.Spec;
        var silo = pod?.Containers?.SingleOrDefault(c => c.Name == "silo");
        if (pod is null || silo is null)
        {
            _problems.Add($"{what}: no container \"silo\"");
            return;
        }

        foreach (var spread in pod.TopologySpreadConstraints ?? [])
        {
            Must(spread.WhenUnsatisfiable is "ScheduleAnyway" or "DoNotSchedule", $"{what}: whenUnsatisfiable");
            Must(Selects(spread.LabelSelector?.MatchLabels, spec!.Template.Metadata.Labels), $"{what}: the spread does not select its pods");
        }

        Must(pod.TopologySpreadConstraints?.Count > 0, $"{what}: nothing spreads its pods over the nodes");
        var grace = Grace.Of(silo.Args);
        Must(pod.TerminationGracePeriodSeconds >= grace + Grace.ToGiveBack, $"{what}: terminationGracePeriodSeconds {pod.TerminationGracePeriodSeconds} leaves less than {Grace.ToGiveBack} s after --grace {grace}");

        var port = silo.Ports?.SingleOrDefault(p => p.Name == "http");
        Must(port is not null && Arguments.After(silo.Args, "--urls") == $"http://0.0.0.0:{port.ContainerPort}", $"{what}: --urls is not its containerPort");
        foreach (var (name, probe, path) in new[] { ("liveness", silo.LivenessProbe, "/health/live"), ("startup", silo.StartupProbe, "/health/live"), ("readiness", silo.ReadinessProbe, "/health/ready") })
        {
            Must(probe?.HttpGet?.Path == path, $"{what}: its {name} probe does not ask {path}");
            Must(probe?.HttpGet?.Port?.Value == port?.Name, $"{what}: its {name} probe asks no port of the container");
        }

        CheckCluster(what, pod, silo);
        var gpu = silo.Resources?.Limits?.ContainsKey("nvidia.com/gpu") == true;
        Must(gpu == (Arguments.After(silo.Args, "--device") ?? "").StartsWith("cuda", StringComparison.Ordinal), $"{what}: --device and the GPU it asks for disagree");
        Must(gpu == silo.Image.EndsWith("-cuda", StringComparison.Ordinal), $"{what}: image and the GPU it asks for disagree");
        if (silo.Resources?.Limits?.TryGetValue("cpu", out var cores) == true && Arguments.After(silo.Args, "--threads") is { } threads)
            Must(cores.ToString() == threads, $"{what}: --threads {threads} on {cores} cores");
        foreach (var folder in new[] { Arguments.After(silo.Args, "--store"), Arguments.After(silo.Args, "--root") })
            Must(silo.VolumeMounts?.Any(m => m.Name == "store" && folder?.StartsWith(m.MountPath + "/", StringComparison.Ordinal) == true) == true, $"{what}: {folder} is not on the store");
    }

    // Silos reach each other at the pod's address, and prove with the cluster's certificates who they are.
    private void CheckCluster(string what, V1PodSpec pod, V1Container silo)
    {
        Must(silo.Env?.Any(e => e.Name == "POD_IP" && e.ValueFrom?.FieldRef?.FieldPath == "status.podIP") == true, $"{what}: POD_IP is not the pod's address");
        var ports = silo.Ports?.Where(p => p.Name is "cluster" or "gateway").Select(p => p.ContainerPort).ToList() ?? [];
        Must(ports is [var own, var next] && next == own + 1 && Arguments.After(silo.Args, "--cluster-address") == $"$(POD_IP):{own}", $"{what}: --cluster-address is not the pod's at its ports cluster and gateway, one after the other");
        var mount = silo.VolumeMounts?.SingleOrDefault(m => m.MountPath == Arguments.After(silo.Args, "--cluster-certificates"));
        var secret = pod.Volumes?.SingleOrDefault(v => v.Name == mount?.Name)?.Secret?.SecretName;
        var files = All<V1Secret>().SingleOrDefault(s => s.Metadata.Name == secret)?.StringData?.Keys;
        Must(files?.ToHashSet().SetEquals(Certificates.Files) == true, $"{what}: --cluster-certificates is not a mounted secret with {string.Join(", ", Certificates.Files)} and nothing else");
    }

    private void CheckPod(string what, V1PodTemplateSpec? template)
    {
        if (template?.Spec is not { } pod)
        {
            _problems.Add($"{what}: no pod");
            return;
        }

        Must(pod.SecurityContext is { RunAsNonRoot: true, RunAsUser: > 0, FsGroup: > 0, SeccompProfile.Type: "RuntimeDefault" }, $"{what}: the namespace refuses pods that are not restricted");
        Must(pod.AutomountServiceAccountToken == false, $"{what}: it gets a token it does not need");
        Must(pod.Containers?.Count > 0, $"{what}: no container");
        foreach (var toleration in pod.Tolerations ?? [])
            Must(toleration.OperatorProperty is "Exists" or "Equal" && toleration.Effect is "NoSchedule" or "PreferNoSchedule" or "NoExecute", $"{what}: a toleration's operator or effect");
        foreach (var container in (pod.InitContainers ?? []).Concat(pod.Containers ?? []))
            CheckContainer($"{what}/{container.Name}", pod, container);
    }

    private void CheckContainer(string what, V1PodSpec pod, V1Container container)
    {
        Must(container.Name is { } name && DnsName().IsMatch(name), $"{what}: no name");
        Must(container.Image is { } image && Images.WhyNotPinned(image) is null, $"{what}: {Images.WhyNotPinned(container.Image ?? "")}");
        Must(
            container.SecurityContext is { AllowPrivilegeEscalation: false, ReadOnlyRootFilesystem: true } security && security.Capabilities?.Drop is ["ALL"],
            $"{what}: the namespace refuses containers that are not restricted");
        Must(container.Resources?.Requests is { } requests && requests.ContainsKey("memory") && requests.ContainsKey("cpu"), $"{what}: it asks for no memory or no cpu");
        Must(container.Resources?.Limits?.ContainsKey("memory") == true, $"{what}: no limit of its memory");
        foreach (var (resource, quantity) in (container.Resources?.Requests ?? new Dictionary<string, ResourceQuantity>()).Concat(container.Resources?.Limits ?? new Dictionary<string, ResourceQuantity>()))
            Must(Quantity().IsMatch(quantity.ToString()), $"{what}: {resource} {quantity}");

        foreach (var mount in container.VolumeMounts ?? [])
        {
            var volume = pod.Volumes?.SingleOrDefault(v => v.Name == mount.Name);
            Must(mount.MountPath is ['/', ..], $"{what}: mountPath of {mount.Name}");
            Must(volume is not null && new object?[] { volume.PersistentVolumeClaim, volume.Secret, volume.ConfigMap, volume.EmptyDir }.Count(v => v is not null) == 1, $"{what}: no volume {mount.Name}");
            if (volume?.PersistentVolumeClaim is { } claim)
                Must(All<V1PersistentVolumeClaim>().Any(c => c.Metadata.Name == claim.ClaimName), $"{what}: no claim {claim.ClaimName}");
            if (volume?.Secret is { } secret)
                Must(All<V1Secret>().Any(s => s.Metadata.Name == secret.SecretName), $"{what}: no secret {secret.SecretName} in the example");
        }

        foreach (var variable in container.Env ?? [])
        {
            Must(variable.Name is { Length: > 0 }, $"{what}: a variable without a name");
            if (variable.Name?.EndsWith("_FILE", StringComparison.Ordinal) != true)
                continue;
            var mount = container.VolumeMounts?.SingleOrDefault(m => variable.Value?.StartsWith(m.MountPath + "/", StringComparison.Ordinal) == true);
            var secretName = pod.Volumes?.SingleOrDefault(v => v.Name == mount?.Name)?.Secret?.SecretName;
            var keys = All<V1Secret>().SingleOrDefault(s => s.Metadata.Name == secretName)?.StringData;
            Must(keys?.ContainsKey(Path.GetFileName(variable.Value ?? "")) == true, $"{what}: {variable.Name} names no file of a secret that is mounted");
        }
    }

    private void CheckStore()
    {
        foreach (var claim in All<V1PersistentVolumeClaim>())
        {
            Must(claim.Spec?.AccessModes is ["ReadWriteMany"], $"claim {claim.Metadata.Name}: silos on several nodes need ReadWriteMany");
            Must(claim.Spec?.Resources?.Requests?.ContainsKey("storage") == true, $"claim {claim.Metadata.Name}: no size");
        }
    }

    // From the ingress to the service to the pods.
    private void CheckWays()
    {
        foreach (var service in All<V1Service>())
        {
            var pods = All<V1Deployment>().Where(d => Selects(service.Spec?.Selector, d.Spec.Template.Metadata.Labels)).ToList();
            Must(pods.Count == All<V1Deployment>().Count(), $"Service {service.Metadata.Name}: it does not select every silo");
            foreach (var port in service.Spec?.Ports ?? [])
                Must(pods.All(d => d.Spec.Template.Spec.Containers.Any(c => c.Ports?.Any(p => p.Name == port.TargetPort?.Value) == true)), $"Service {service.Metadata.Name}: targetPort {port.TargetPort?.Value} is no port of the silos");
        }

        foreach (var ingress in All<V1Ingress>())
        {
            Must(ingress.Spec?.Tls?.SelectMany(t => t.Hosts ?? []).ToHashSet().SetEquals(ingress.Spec.Rules?.Select(r => r.Host) ?? []) == true, "Ingress: a host without TLS");
            foreach (var path in ingress.Spec?.Rules?.SelectMany(r => r.Http?.Paths ?? []) ?? [])
            {
                Must(path.PathType is "Prefix" or "Exact" or "ImplementationSpecific", "Ingress: pathType");
                var service = All<V1Service>().SingleOrDefault(s => s.Metadata.Name == path.Backend?.Service?.Name);
                Must(service?.Spec.Ports.Any(p => p.Name == path.Backend?.Service?.Port?.Name) == true, "Ingress: no such service or port");
            }
        }
    }

    private void CheckDisruption()
    {
        foreach (var budget in All<V1PodDisruptionBudget>())
        {
            Must(budget.Spec?.MaxUnavailable is not null ^ budget.Spec?.MinAvailable is not null, "PodDisruptionBudget: one of maxUnavailable and minAvailable");
            Must(All<V1Deployment>().All(d => Selects(budget.Spec?.Selector?.MatchLabels, d.Spec.Template.Metadata.Labels)), "PodDisruptionBudget: it does not select every silo");
        }
    }

    private void CheckNetwork()
    {
        foreach (var policy in All<V1NetworkPolicy>())
        {
            Must(policy.Spec?.PodSelector is not null, "NetworkPolicy: podSelector is missing");
            Must(policy.Spec?.PolicyTypes?.ToHashSet().SetEquals(["Ingress", "Egress"]) == true, "NetworkPolicy: it must close both ways");
            var served = All<V1Deployment>().SelectMany(d => d.Spec.Template.Spec.Containers).SelectMany(c => c.Ports ?? []).Select(p => p.ContainerPort.ToString(CultureInfo.InvariantCulture)).ToHashSet();
            Must(policy.Spec?.Ingress?.SelectMany(i => i.Ports ?? []).Select(p => p.Port?.Value).ToHashSet().SetEquals(served) == true, "NetworkPolicy: the open port is not the silos'");
            var open = policy.Spec?.Ingress?.Where(i => !IsAmongSilos(i.FromProperty)).ToList() ?? [];
            Must(open.All(i => i.FromProperty?.Count > 0 && i.FromProperty.All(f => f.NamespaceSelector?.MatchLabels?.ContainsKey(ClusterName) == true)), "NetworkPolicy: open to everyone");
            Must(open.SelectMany(i => i.Ports ?? []).All(p => p.Port?.Value == Port("http")), "NetworkPolicy: others than silos reach more than http");
            string?[] cluster = [Port("cluster"), Port("gateway")];
            Must(policy.Spec?.Ingress?.Any(i => IsAmongSilos(i.FromProperty) && cluster.SequenceEqual(i.Ports?.Select(p => p.Port?.Value) ?? [])) == true, "NetworkPolicy: silos do not let each other in");
            Must(policy.Spec?.Egress?.Any(e => IsAmongSilos(e.To) && cluster.SequenceEqual(e.Ports?.Select(p => p.Port?.Value) ?? [])) == true, "NetworkPolicy: silos do not get out to each other");
            Must(policy.Spec?.Egress?.Any(e => e.Ports?.Any(p => p.Port?.Value == "5432" && p.Protocol == "TCP") == true) == true, "NetworkPolicy: no way to PostgreSQL");
        }
    }

    private bool IsAmongSilos(IList<V1NetworkPolicyPeer>? peers) =>
        peers is [{ NamespaceSelector: null, PodSelector: { } pods }] && All<V1Deployment>().All(d => Selects(pods.MatchLabels, d.Spec.Template.Metadata.Labels));

    private string? Port(string name) =>
        All<V1Deployment>().SelectMany(d => d.Spec.Template.Spec.Containers).SelectMany(c => c.Ports ?? []).FirstOrDefault(p => p.Name == name)?.ContainerPort.ToString(CultureInfo.InvariantCulture);

    private static bool Selects(IDictionary<string, string>? selector, IDictionary<string, string>? labels) =>
        selector?.Count > 0 && selector.All(s => labels?.TryGetValue(s.Key, out var value) == true && value == s.Value);

    [GeneratedRegex("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
    private static partial Regex DnsName();

    [GeneratedRegex("^[0-9]+(\\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$")]
    private static partial Regex Quantity();
}
