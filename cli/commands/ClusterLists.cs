// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using System.Globalization;
using Teravox.Cli.Remote;
using Teravox.Client;
using Teravox.Contracts;
using Teravox.Contracts.Api;

namespace Teravox.Cli.Commands;

/// <summary>teravox silos, volumes and models: what a cluster has.</summary>
internal static class ClusterLists
{
    public static IEnumerable<Command> Make() => [Silos(), Volumes(), Models()];

    private static Command Silos() => Remote.Remote.Command(
        "silos",
        """
        Lists the cluster's silos: devices, throughput, memory, and what each works on.

        Example:
          ./teravox silos
        """,
        [],
        async (_, session, ct) =>
        {
            var silos = await session.Client.SilosAsync(ct);
            if (session.Json)
            {
                foreach (var silo in silos)
                    session.Write(silo, () => "");
                return Guarded.Success;
            }

            Tables.Write(["silo", "machine", "state", "devices", "tags", ">done", ">rate", ">memory", "works on"], silos.Select(Row));
            return Guarded.Success;
        });

    private static string[] Row(SiloInfo s)
    {
        var state = !s.Alive ? $"silent since {Human.Time(s.LastSeen)}" : s.Status.Draining ? "draining" : "alive";
        var devices = string.Join(", ", s.Devices.Select(d => d.MemoryBytes > 0 ? $"{d.Name} x{d.Slots} ({Human.Bytes(d.MemoryBytes)})" : $"{d.Name} x{d.Slots}"));
        var work = string.Join("; ", s.Status.Running.Select(i => $"{i.Experiment} {i.Stage} {i.Index} ({Human.Percent(i.Fraction)})"));
        return
        [
            s.Name, s.Machine, state, devices, string.Join(", ", s.Tags), s.Status.ItemsDone.ToString(CultureInfo.InvariantCulture),
            s.Status.ItemsPerSecond > 0 ? Human.Rate(s.Status.ItemsPerSecond) : "-", Human.Bytes(s.Status.MemoryBytes), work,
        ];
    }

    private static Command Volumes()
    {
        var list = Remote.Remote.Command(
            "volumes",
            """
            Lists the cluster's volumes from the newest; adds and removes them.

            Example:
              ./teravox volumes
            """,
            [],
            async (_, session, ct) =>
            {
                var all = await session.Client.Volumes.ListAsync(ct).ToListAsync(ct);
                if (session.Json)
                    all.ForEach(v => session.Write(v, () => ""));
                else
                    Tables.Write(["name", "shape", "type", "voxel nm", "labels", "owner", "since"], all.Select(Row));
                return Guarded.Success;
            });
        list.Add(AddVolume());
        list.Add(RemoveVolume());
        return list;
    }

    private static string[] Row(VolumeInfo v) =>
    [
        v.Name, v.Shape.ToString(), v.Type.ToString().ToLowerInvariant(),
        string.Create(CultureInfo.InvariantCulture, $"{v.VoxelSize.Z:G4} {v.VoxelSize.Y:G4} {v.VoxelSize.X:G4}"),
        v.Labels is null ? "no" : "yes", v.Owner ?? "", Human.Time(v.Created),
    ];

    private static Command AddVolume()
    {
        var name = new Argument<string>("name") { Description = "Name of the volume to be." };
        var path = new Argument<string>("path") { Description = "A folder with raw/ and perhaps labels/, or raw itself." };
        var upload = new Option<bool>("--upload") { Description = "The path is on this machine: upload it. Else it is the silos' path, under one of their roots." };
        var voxel = new Option<string?>("--voxel-size") { Description = "nm, Z,Y,X; the stack's own when left out." };
        return Remote.Remote.Command(
            "add",
            """
            Registers a volume by its path under a root of the silos, or uploads one from this machine. Broken off, the same upload sends only the rest.

            Example:
              ./teravox volumes add cortex my-stack --upload --voxel-size 40,8,8
            """,
            [name, path, upload, voxel],
            async (r, session, ct) =>
            {
                var size = r.GetValue(voxel) is { } text ? ParseVoxelSize(text) : (VoxelSize?)null;
                VolumeInfo volume;
                if (r.GetValue(upload))
                {
                    using var view = new TransferView(session.Json);
                    volume = await session.Client.Uploads.UploadAsync(r.GetRequiredValue(name), UploadSource.At(r.GetRequiredValue(path)), size, progress: view.Show, ct: ct);
                }
                else
                {
                    volume = await session.Client.Volumes.RegisterAsync(new RegisterVolume { Name = r.GetRequiredValue(name), Path = r.GetRequiredValue(path), VoxelSize = size }, ct);
                }

                session.Write(volume, () => $"Volume {volume.Name}: {volume.Shape} voxels{(volume.Labels is null ? "" : ", labelled")}.");
                return Guarded.Success;
            });
    }

    private static Command RemoveVolume()
    {
        var name = new Argument<string>("name") { Description = "The volume." };
        return Remote.Remote.Command(
            "remove",
            """
            Removes a volume from the cluster; uploaded files go too, files under a root stay.

            Example:
              ./teravox volumes remove cortex
            """,
            [name],
            async (r, session, ct) =>
            {
                await session.Client.Volumes.DeleteAsync(r.GetRequiredValue(name), ct);
                return Guarded.Success;
            });
    }

    private static VoxelSize ParseVoxelSize(string text)
    {
        var parts = text.Split(',');
        var numbers = parts.Select(p => double.TryParse(p, CultureInfo.InvariantCulture, out var n) && n > 0 ? n : 0).ToArray();
        return numbers.Length == 3 && numbers.All(n => n > 0)
            ? new VoxelSize(numbers[0], numbers[1], numbers[2])
            : throw new InputException($"--voxel-size {text}: expected three lengths in nm Z,Y,X, as in --voxel-size 40,8,8.");
    }

    private static Command Models()
    {
        var list = Remote.Remote.Command(
            "models",
            """
            Lists the cluster's models from the newest; adds them.

            Example:
              ./teravox models
            """,
            [],
            async (_, session, ct) =>
            {
                var all = await session.Client.Models.ListAsync(ct).ToListAsync(ct);
                if (session.Json)
                    all.ForEach(m => session.Write(m, () => ""));
                else
                    Tables.Write(["name", "experiment", "classes", "sha256", "owner", "since"], all.Select(Row));
                return Guarded.Success;
            });
        list.Add(AddModel());
        return list;
    }

    private static string[] Row(ModelInfo m) =>
        [m.Name, m.Experiment?.ToString(CultureInfo.InvariantCulture) ?? "", m.Card is { } card ? $"{card.Classes.Count}" : "", m.Sha256[..12], m.Owner ?? "", Human.Time(m.Created)];

    private static Command AddModel()
    {
        var name = new Argument<string>("name") { Description = "Name of the model to be; specs name it as \"model\": \"model:NAME\"." };
        var experiment = new Option<long?>("--experiment") { Description = "The experiment that trained it." };
        var network = new Option<string?>("--network") { Description = "Which of its networks: multiclass or binary-CLASS. Default multiclass." };
        var path = new Option<string?>("--path") { Description = "A .safetensors file under a root of the silos, instead of an experiment's." };
        return Remote.Remote.Command(
            "add",
            """
            Registers a network of an experiment, or a file under a root of the silos, as a model that specs may name.

            Example:
              ./teravox models add cortex-8 --experiment 12
            """,
            [name, experiment, network, path],
            async (r, session, ct) =>
            {
                var (id, file) = (r.GetValue(experiment), r.GetValue(path));
                if (id is null == file is null)
                    throw new InputException("models add: give --experiment or --path, exactly one of them.");
                var wanted = new RegisterModel { Name = r.GetRequiredValue(name), Experiment = id, Network = id is null ? null : r.GetValue(network) ?? "multiclass", Path = file };
                var model = await session.Client.Models.RegisterAsync(wanted, ct);
                session.Write(model, () => $"Model {model.Name}; a spec names it as \"model\": \"model:{model.Name}\".");
                return Guarded.Success;
            });
    }
}
