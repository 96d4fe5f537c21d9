// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using System.Globalization;
using System.Net;
using Teravox.Contracts;
using Teravox.Silo.Devices;
using Teravox.Silo.Http.Security;

namespace Teravox.Cli.Commands;

/// <summary>teravox silo: one of a cluster.</summary>
internal static class SiloCommand
{
    public const string Name = "silo";

    /// <summary>Name of the hidden option by which a silo ends with the process that started it.</summary>
    public const string StopWithStandardInput = "--stop-with-stdin";

    public static Command Make()
    {
        var database = new Option<string?>("--database") { Description = $"postgres://user:password@host:port/database, or sqlite:FILE for a silo that is alone; {DatabaseOption.Variable} when left out, which keeps the password out of the list of processes." };
        var store = new Option<string>("--store") { Description = "Folder that every silo of the cluster sees: experiments, volumes, models.", Required = true };
        var urls = new Option<string[]>("--urls") { Description = "Where the HTTP API listens, as http://127.0.0.1:7300; not at all when left out. Beyond this machine only when there are keys.", DefaultValueFactory = _ => [] };
        var devices = new Option<string[]>("--device") { Description = "cpu, cuda:0, ...; may be given often. Every CUDA device when left out, or else cpu.", DefaultValueFactory = _ => [] };
        var threads = new Option<int>("--threads") { Description = "Threads for computing, shared out over the CPU devices.", DefaultValueFactory = _ => Environment.ProcessorCount };
        var tags = new Option<string[]>("--tag") { Description = "What this silo has, as disk=fast, for work that asks for it; may be given often.", DefaultValueFactory = _ => [] };
        var roots = new Option<string[]>("--root") { Description = "Folder under which clients may name volumes and models; may be given often.", DefaultValueFactory = _ => [] };
        var grace = new Option<double>("--grace") { Description = "Seconds that running work has to end when the silo stops; then it is given back.", DefaultValueFactory = _ => 10 };
        var name = new Option<string?>("--name") { Description = "Name of the silo in lists; a part that is new for every process is added." };
        var address = new Option<string?>("--cluster-address") { Description = "IP:PORT under which the other silos reach this one, PORT + 1 for its clients. Free ports of 127.0.0.1 when left out, for silos of one machine." };
        var certificates = new Option<string?>("--cluster-certificates") { Description = "Folder with the cluster's certificates, made with ./teravox cluster-certificate: silos then speak TLS. Beyond this machine only with them." };
        var (cors, pageUpload) = (Options.Cors(), Options.PageUpload());
        var json = Options.Json();
        var withInput = new Option<bool>(StopWithStandardInput) { Hidden = true };
        return new Command(
            Name,
            """
            Works for a cluster: takes items that its devices can run, until it is stopped. Any number may join or leave at any time. The first Ctrl-C or SIGTERM lets running work end, the second gives it back at once.

            Example:
              ./teravox silo --database postgres://teravox@db/teravox --store /shared/teravox --urls http://127.0.0.1:7300 --tag disk=fast
            """)
        {
            database, store, urls, devices, threads, tags, roots, grace, name, address, certificates, cors, pageUpload, json, withInput,
        }.Does(async (r, _) =>
        {
            var settings = new SiloSettings
            {
                Database = DatabaseOption.Address(r.GetValue(database)),
                Store = Path.GetFullPath(r.GetRequiredValue(store)),
                Urls = r.GetRequiredValue(urls),
                Roots = [.. r.GetRequiredValue(roots).Select(Path.GetFullPath)],
                CorsOrigins = [.. r.GetRequiredValue(cors).Select(OtherOrigins.Check)],
                PageUploadBytes = (long)Options.CheckPageUpload(r.GetRequiredValue(pageUpload)) << 20,
                Json = r.GetValue(json),
                ClusterAddress = r.GetValue(address) is { } text ? CheckAddress(text) : null,
                Certificates = r.GetValue(certificates),
                Options = new DeviceOptions(NameOf(r.GetValue(name)), SiloDevices.Make(r.GetRequiredValue(devices), Options.CheckThreads(r.GetRequiredValue(threads))))
                {
                    Tags = [.. r.GetRequiredValue(tags).Select(CheckTag)],
                    GracePeriod = Seconds("--grace", r.GetRequiredValue(grace), 0, 86_400),
                },
            };
            using var signals = new StopSignals();
            if (r.GetValue(withInput))
                signals.FollowStandardInput();
            return await SiloProcess.RunAsync(settings, signals);
        });
    }

    private static string NameOf(string? name)
    {
        if (name is null)
            return DeviceOptions.NewName();
        if (name.Length is 0 or > 64 || !name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.'))
            throw new InputException($"--name {name}: expected up to 64 letters, digits, '-', '_' and '.'.");
        return $"{name}-{Guid.NewGuid().ToString("N")[..6]}";
    }

    private static string CheckTag(string tag)
    {
        var at = tag.IndexOf('=', StringComparison.Ordinal);
        return at > 0 && at < tag.Length - 1 ? tag : throw new InputException($"--tag {tag}: expected name=value, as in --tag disk=fast.");
    }

    private static IPEndPoint CheckAddress(string text) => IPEndPoint.TryParse(text, out var address) && address.Port is > 0 and < 65535
        ? address
        : throw new InputException($"--cluster-address {text}: expected IP:PORT, as in --cluster-address 10.0.0.5:7400.");

    private static TimeSpan Seconds(string option, double seconds, double least, double most) => seconds >= least && seconds <= most
        ? TimeSpan.FromSeconds(seconds)
        : throw new InputException(string.Create(CultureInfo.InvariantCulture, $"{option}: must be {least} to {most} seconds."));
}
