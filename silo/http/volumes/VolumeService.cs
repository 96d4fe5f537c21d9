// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts.Api;
using Teravox.Contracts.Grains;
using Teravox.Silo.Http.Security;

namespace Teravox.Silo.Http.Volumes;

/// <summary>Volumes from outside: every call goes to the volume's grain.</summary>
internal sealed class VolumeService(ApiServices api)
{
    public Task<VolumeInfo> RegisterAsync(RegisterVolume body, Caller caller, CancellationToken ct)
    {
        var grain = Grain(Names.Check(body.Name, "name"));
        return GrainAnswers.WaitAsync(caller, request => grain.RegisterAsync(body, request), ct);
    }

    /// <summary>Makes an upload that has arrived whole a volume.</summary>
    public Task<VolumeInfo> TakeUploadAsync(string name, long upload, Caller caller, CancellationToken ct) =>
        GrainAnswers.WaitAsync(caller, request => Grain(name).TakeUploadAsync(upload, request), ct);

    public async Task<VolumeInfo> FindAsync(string name, CancellationToken ct) =>
        (await GrainAnswers.WaitAsync(Caller.Anyone, _ => Grain(name).DescribeAsync(), ct)).Volume;

    public Task<VolumeStatistics> StatisticsAsync(string name, CancellationToken ct) =>
        GrainAnswers.WaitAsync(Caller.Anyone, _ => Grain(name).StatisticsAsync(), ct);

    public async Task DeleteAsync(string name, Caller caller, CancellationToken ct)
    {
        // This silo may have looked at its sections, wherever the grain is.
        if ((await GrainAnswers.WaitAsync(caller, request => Grain(name).RemoveAsync(request), ct)).Id is { } id)
            api.Pictures.Forget(id);
    }

    private IVolumeGrain Grain(string name) => api.Grains.GetGrain<IVolumeGrain>(name);
}
