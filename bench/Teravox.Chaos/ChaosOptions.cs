// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Chaos;

/// <summary>Settings of a chaos run.</summary>
/// <param name="Program">teravox.dll.</param>
/// <param name="Folder">An existing, empty folder that the user postgres can reach.</param>
/// <param name="Seed">Of everything that is drawn.</param>
/// <param name="Time">How long faults are made.</param>
public sealed record ChaosOptions(string Program, string Folder, int Seed, TimeSpan Time)
{
    /// <summary>Further arguments of the silos.</summary>
    public IReadOnlyList<string> SiloArguments { get; init; } = [];

    /// <summary>Silos, 2 or more.</summary>
    public int Silos { get; init; } = 4;

    /// <summary>Length of their leases.</summary>
    public TimeSpan Ttl { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>Time between two kills.</summary>
    public TimeSpan KillEvery { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Time between two stops of a silo for longer than its leases last.</summary>
    public TimeSpan StopEvery { get; init; } = TimeSpan.FromSeconds(8);

    /// <summary>Time between two restarts of the server, by turns orderly and as in a crash.</summary>
    public TimeSpan RestartEvery { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Sections of the phantoms; 8 give 36 tiles a stage.</summary>
    public int Depth { get; init; } = 32;

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
