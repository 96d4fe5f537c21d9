// SPDX-License-Identifier: Apache-2.0
using Teravox.Grains;
using Teravox.Grains.Catalog;
using Teravox.Silo.Http.Security;
using Teravox.Silo.Http.Volumes;

namespace Teravox.Silo.Http;

/// <summary>What the routes work with. Nothing here is state of the cluster: any silo answers for all of it.</summary>
internal sealed class ApiServices : IDisposable
{
    public ApiServices(ExperimentService experiments, ExperimentStore store, IGrainFactory grains, HttpOptions options, bool loopbackOnly)
    {
        Experiments = experiments;
        Store = store;
        Grains = grains;
        Options = options;
        Paths = new PathGuard(options);
        Keys = new KeyGate(experiments.Catalog, loopbackOnly);
        Silos = new SilosView(experiments);
        Pictures = new VolumePictures(Path.Combine(options.Store, "cache"), VolumeLayout.Limits(options.Uploads));
    }

    public ExperimentService Experiments { get; }

    public ICatalog Catalog => Experiments.Catalog;

    public ExperimentStore Store { get; }

    public IGrainFactory Grains { get; }

    public HttpOptions Options { get; }

    public PathGuard Paths { get; }

    public KeyGate Keys { get; }

    public CheckGate Checks { get; } = new();

    /// <summary>For parts of sections that somebody looks at: they are short, and must not wait behind whole volumes.</summary>
    public CheckGate Looks { get; } = new();

    public SilosView Silos { get; }

    public VolumePictures Pictures { get; }

    /// <summary>A folder of the store, made when it is not there.</summary>
    public string Folder(string name) => Directory.CreateDirectory(Path.Combine(Options.Store, name)).FullName;

    public void Dispose()
    {
        Pictures.Dispose();
        Checks.Dispose();
        Looks.Dispose();
    }
}
