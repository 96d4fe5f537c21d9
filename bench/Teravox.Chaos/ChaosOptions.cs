// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Chaos;

/// <summary>Settings of a chaos run.</summary>
/// <param name="Program">teravox.dll.</param>
/// <param name="Folder">An existing, empty folder that the user postgres can reach.</param>
/// <param name="Seed">Of everything that is drawn.</param>
/// <param name="Time">How long faults are made.</param>
public sealed record ChaosOptions(string Program, string Folder, int Seed, TimeSpan Time)
{
    /// <summary>Silos, 2 or more.</summary>
    public int Silos { get; init; } = 4;

    /// <summary>How long a silo that is stopped or cut off stays so, at least: longer than the others take to find it dead.</summary>
    public TimeSpan Absence { get; init; } = TimeSpan.FromSeconds(4);

    /// <summary>Length of a burst of faults; the silos then work undisturbed for a while.</summary>
    public TimeSpan Burst { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Items that are done before the next burst.</summary>
    public int ItemsBetweenBursts { get; init; } = 20;

    /// <summary>Time between two kills in a burst.</summary>
    public TimeSpan KillEvery { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Time between two stops of a silo for longer than others wait for it.</summary>
    public TimeSpan StopEvery { get; init; } = TimeSpan.FromSeconds(8);

    /// <summary>Time between two restarts of the server, by turns orderly and as in a crash.</summary>
    public TimeSpan RestartEvery { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Time between two cuts between a silo and the database, by turns a stall and a break.</summary>
    public TimeSpan CutDatabaseEvery { get; init; } = TimeSpan.FromSeconds(7);

    /// <summary>Time between two cuts between a silo and the others; none are made where there are no networks to cut.</summary>
    public TimeSpan CutSiloEvery { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Sections of the phantom that a network is trained on; 8 give 36 tiles a stage.</summary>
    public int Depth { get; init; } = 32;

    /// <summary>Sections of the phantom that is segmented; 128 give two ranges of tiles.</summary>
    public int SegmentDepth { get; init; } = 128;

    /// <summary>Longest time that anything may take once no more faults are made.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromMinutes(8);

    /// <summary>Tells how it goes, a line each.</summary>
    public Action<string> Say { get; init; } = _ => { };
}

/// <summary>One thing that had to hold.</summary>
/// <param name="Name">What.</param>
/// <param name="Held">Whether it did.</param>
/// <param name="Detail">What was seen.</param>
public sealed record ChaosCheck(string Name, bool Held, string Detail);

/// <summary>What a run came to.</summary>
/// <param name="Checks">All that had to hold.</param>
/// <param name="Figures">What was done, and what came of it, by name.</param>
public sealed record ChaosOutcome(IReadOnlyList<ChaosCheck> Checks, IReadOnlyDictionary<string, long> Figures)
{
    /// <summary>True when everything held.</summary>
    public bool Held => Checks.All(c => c.Held);
}
