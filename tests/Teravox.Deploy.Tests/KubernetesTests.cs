// SPDX-License-Identifier: Apache-2.0
using YamlDotNet.Serialization;
using YamlDotNet.Serialization.NamingConventions;

namespace Teravox.Deploy.Tests;

public sealed class KubernetesTests
{
    private static Dictionary<string, string> Files() =>
        Directory.EnumerateFiles(Tool.At("deploy/kubernetes"), "*.yaml").ToDictionary(f => Path.GetFileName(f)!, File.ReadAllText);

    [Fact]
    public void Manifests_AsTheyAre_HaveNoProblem() => Assert.Empty(KubernetesManifests.Problems(Files()));

    [Theory]
    [InlineData("namespace.yaml", "kind: Namespace", "kind: Namespaces")]
    [InlineData("store.yaml", "ReadWriteMany", "ReadWriteOnce")]
    [InlineData("store.yaml", "accessModes", "accessMode")]
    [InlineData("secret.example.yaml", "silo_password:", "silo_pasword:")]
    [InlineData("secret.example.yaml", "name: teravox-owner", "name: teravox-boss")]
    [InlineData("setup-job.yaml", "restartPolicy: Never", "restartPolicy: Always")]
    [InlineData("setup-job.yaml", "postgres:15.18-bookworm", "postgres:15")]
    [InlineData("silo-gpu.yaml", "terminationGracePeriodSeconds: 120", "terminationGracePeriodSeconds: 60")]
    [InlineData("silo-gpu.yaml", "teravox:0.1.0-cuda", "teravox:latest")]
    [InlineData("silo-gpu.yaml", "teravox:0.1.0-cuda", "teravox:0.0.9-cuda")]
    [InlineData("silo-gpu.yaml", "nvidia.com/gpu: 1", "memory: 1Gi")]
    [InlineData("silo-gpu.yaml", "containerPort: 7300", "containerPort: 7301")]
    [InlineData("silo-gpu.yaml", "claimName: teravox-store", "claimName: store")]
    [InlineData("silo-gpu.yaml", "runAsNonRoot: true", "runAsNonRoot: false")]
    [InlineData("silo-gpu.yaml", "port: http", "port: web")]
    [InlineData("silo-gpu.yaml", "mountPath: /data", "mountPath: /datas")]
    [InlineData("silo-cpu.yaml", "path: /health/ready", "path: /ready")]
    [InlineData("silo-cpu.yaml", "path: /health/live", "path: /health/ready")]
    [InlineData("silo-cpu.yaml", "cpu: \"8\"", "cpu: \"4\"")]
    [InlineData("silo-cpu.yaml", "replicas: 2", "replicas: two")]
    [InlineData("silo-cpu.yaml", "memory: 16Gi", "memory: 16Gib")]
    [InlineData("silo-cpu.yaml", "livenessProbe", "livenesProbe")]
    [InlineData("silo-cpu.yaml", "secretName: teravox-silo", "secretName: teravox-owner")]
    [InlineData("service.yaml", "component: silo", "component: silos")]
    [InlineData("service.yaml", "targetPort: http", "targetPort: 80")]
    [InlineData("ingress.yaml", "hosts: [teravox.example.org]", "hosts: []")]
    [InlineData("ingress.yaml", "pathType: Prefix", "pathType: prefix")]
    [InlineData("ingress.yaml", "name: http", "name: https")]
    [InlineData("disruption.yaml", "maxUnavailable: 1", "minReadySeconds: 1")]
    [InlineData("disruption.yaml", "component: silo", "component: silos")]
    [InlineData("network.yaml", "port: 7300", "port: 7301")]
    [InlineData("network.yaml", "port: 5432", "port: 5433")]
    [InlineData("network.yaml", "- namespaceSelector:", "- podSelectors:")]
    [InlineData("network.yaml", "port: 7401", "port: 7402")]
    [InlineData("network.yaml", "- to: *silos", "- to: []")]
    [InlineData("network.yaml", "component: silo", "component: silos")]
    [InlineData("silo-gpu.yaml", "containerPort: 7401", "containerPort: 7402")]
    [InlineData("silo-gpu.yaml", "$(POD_IP):7400", "$(POD_IP):7300")]
    [InlineData("silo-gpu.yaml", "$(POD_IP):7400", "$(POD):7400")]
    [InlineData("silo-gpu.yaml", "secretName: teravox-cluster", "secretName: teravox-silo")]
    [InlineData("silo-cpu.yaml", "- /run/secrets/cluster\n", "- /run/secrets/clusters\n")]
    [InlineData("secret.example.yaml", "cluster.key:", "cluster-ca.key:")]
    public void Manifests_WhenBrokenOnPurpose_HaveAProblem(string file, string good, string bad)
    {
        var files = Files();
        Assert.Contains(good, files[file], StringComparison.Ordinal);
        files[file] = files[file].Replace(good, bad, StringComparison.Ordinal);

        Assert.NotEmpty(KubernetesManifests.Problems(files));
    }

    [Fact]
    public void Kustomization_NamesEveryManifestButTheExampleSecret()
    {
        var kustomization = new DeserializerBuilder().WithNamingConvention(CamelCaseNamingConvention.Instance).Build().Deserialize<Kustomization>(Tool.Text("deploy/kustomization.yaml"));

        var manifests = Files().Keys.Where(f => f != "secret.example.yaml").Select(f => "kubernetes/" + f);
        Assert.Equal(manifests.Order(StringComparer.Ordinal), kustomization.Resources.Order(StringComparer.Ordinal));
        Assert.All(kustomization.ConfigMapGenerator, map => Assert.All(map.Files, file => Assert.True(File.Exists(Tool.At("deploy/" + file)), $"deploy/{file} is missing")));
        var job = Tool.Text("deploy/kubernetes/setup-job.yaml");
        Assert.All(kustomization.ConfigMapGenerator, map => Assert.Contains($"name: {map.Name}\n", job, StringComparison.Ordinal));
    }

    [Fact]
    public void Ingress_LetsThroughTheLargestBodyOfTheApi()
    {
        var bounds = Tool.Text("docs/api.md").Split('\n').Single(l => l.StartsWith("| body of a request |", StringComparison.Ordinal));
        Assert.Contains("an upload's manifest 32 MiB", bounds, StringComparison.Ordinal);
        Assert.Contains("proxy-body-size: 32m\n", Tool.Text("deploy/kubernetes/ingress.yaml"), StringComparison.Ordinal);
    }

    /// <summary>Fields of a kustomization that ours has; any other is refused by the reader.</summary>
    public sealed class Kustomization
    {
        public string ApiVersion { get; set; } = "";

        public string Kind { get; set; } = "";

        public string Namespace { get; set; } = "";

        public List<string> Resources { get; set; } = [];

        public List<Generator> ConfigMapGenerator { get; set; } = [];

        public List<Image> Images { get; set; } = [];
    }

    /// <summary>A ConfigMap made from files.</summary>
    public sealed class Generator
    {
        public string Name { get; set; } = "";

        public List<string> Files { get; set; } = [];
    }

    /// <summary>An image's other name.</summary>
    public sealed class Image
    {
        public string Name { get; set; } = "";

        public string NewName { get; set; } = "";
    }
}
