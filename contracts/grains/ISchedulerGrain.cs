// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts.Api;
using Teravox.Contracts.Work;

namespace Teravox.Contracts.Grains;

/// <summary>
/// The one place where capacity is counted: experiments offer their stages here, and devices pull what they have room for, by
/// priority, experiment, stage and index; experiments of one priority share. It keeps nothing: activated anew, it asks the
/// experiments that run.
/// </summary>
public interface ISchedulerGrain : IGrainWithIntegerKey
{
    /// <summary>The one key.</summary>
    const long Key = 0;

    /// <summary>A silo joins, or says anew what it has.</summary>
    Task JoinAsync(SiloEntry silo);

    /// <summary>A silo leaves.</summary>
    Task LeaveAsync(string silo);

    /// <summary>Items for a device. Waits for some for a few seconds; then the answer has none.</summary>
    Task<PullAnswer> PullAsync(PullRequest request);

    /// <summary>How a silo is, about once a second.</summary>
    Task<BeatAnswer> BeatAsync(SiloBeat beat);

    /// <summary>An experiment's stages that run, or that it does not: whatever was offered of it before is forgotten.</summary>
    Task OfferAsync(ExperimentOffer offer);

    /// <summary>A range has items again that were handed out before.</summary>
    Task RangeHasItemsAsync(long experiment, string stage, int range, long inMs);

    /// <summary>All silos by name; those that left or died within the last hour too.</summary>
    Task<SiloState[]> SilosAsync();
}

/// <summary>What an experiment has for the scheduler.</summary>
/// <param name="Experiment">Its number.</param>
/// <param name="State">Its state: stages are handed out only while it runs.</param>
/// <param name="Priority">Lower is run first.</param>
/// <param name="Stages">Stages that run.</param>
[GenerateSerializer]
[Immutable]
public sealed record ExperimentOffer(long Experiment, ExperimentState State, int Priority, StageOffer[] Stages);

/// <summary>A stage that runs.</summary>
/// <param name="Plan">The stage.</param>
/// <param name="RangesDone">A bit for each range that is done, the lowest bit of the first byte first.</param>
[GenerateSerializer]
[Immutable]
public sealed record StageOffer(StagePlan Plan, byte[] RangesDone);

/// <summary>What a silo says of itself when it joins.</summary>
/// <param name="Name">New for every process.</param>
/// <param name="Url">Where its HTTP API listens, or null.</param>
/// <param name="Machine">The machine it runs on.</param>
/// <param name="Version">Version of Teravox.</param>
/// <param name="Devices">Its devices.</param>
/// <param name="Tags">Its tags "k=v".</param>
/// <param name="Kinds">The kinds of items that it has grains for.</param>
[GenerateSerializer]
[Immutable]
public sealed record SiloEntry(string Name, string? Url, string Machine, string Version, DeviceInfo[] Devices, string[] Tags, string[] Kinds);

/// <summary>Asks for items.</summary>
/// <param name="Silo">Name of the silo.</param>
/// <param name="Device">Name of the device.</param>
/// <param name="Room">Overlapping items that the device has room for, 0 or more.</param>
/// <param name="IsIdle">Whether the device has nothing at all.</param>
/// <param name="Holding">Items that the silo has, by experiment.</param>
[GenerateSerializer]
[Immutable]
public sealed record PullRequest(string Silo, string Device, int Room, bool IsIdle, Dictionary<long, int> Holding);

/// <summary>Items for a device.</summary>
/// <param name="IsKnown">False: the scheduler does not know the silo; join and pull again.</param>
/// <param name="Items">The items; none when there were none in time.</param>
[GenerateSerializer]
[Immutable]
public sealed record PullAnswer(bool IsKnown, WorkItem[] Items);

/// <summary>How a silo is.</summary>
/// <param name="Silo">Its name.</param>
/// <param name="Status">How its work goes.</param>
/// <param name="Holding">Items that it has, by experiment; those that wait for their turn, too.</param>
[GenerateSerializer]
[Immutable]
public sealed record SiloBeat(string Silo, SiloLoad Status, Dictionary<long, int> Holding);

/// <summary>The scheduler's answer to a beat.</summary>
/// <param name="IsKnown">False: the scheduler does not know the silo; join.</param>
/// <param name="Stopped">Experiments that the silo has items of and that do not run, with their states.</param>
[GenerateSerializer]
[Immutable]
public sealed record BeatAnswer(bool IsKnown, Dictionary<long, ExperimentState> Stopped);

/// <summary>A silo as the scheduler knows it.</summary>
/// <param name="Entry">What it said of itself.</param>
/// <param name="Status">What it said last of its work.</param>
/// <param name="Started">When it joined, UTC.</param>
/// <param name="LastSeen">When it was last heard of, UTC.</param>
/// <param name="IsAlive">Whether it is a member of the cluster and was heard of lately.</param>
[GenerateSerializer]
[Immutable]
public sealed record SiloState(SiloEntry Entry, SiloLoad Status, DateTimeOffset Started, DateTimeOffset LastSeen, bool IsAlive);
