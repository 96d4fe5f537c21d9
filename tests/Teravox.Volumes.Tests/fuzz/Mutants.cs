// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Teravox.Contracts;

namespace Teravox.Volumes.Tests;

/// <summary>
/// Sound files and those of the corpus, changed at random by a seed, given to a reader: bad input is an <see cref="InputException"/> and
/// nothing worse. The budget is a number of mutants, some seconds' worth; <c>TERAVOX_MUTANTS</c> names another. The corpus has one small
/// mutant for each place from which a reader refuses its input, and those that once did worse; with <c>TERAVOX_CORPUS=1</c> a run adds
/// the mutants that were refused from a new place.
/// </summary>
/// <param name="kind">The corpus's folder.</param>
/// <param name="seed">Of the changes.</param>
/// <param name="sort">What tells mutants apart that are refused from the same place.</param>
internal sealed class Mutants(string kind, int seed, Func<byte[], int>? sort = null)
{
    /// <summary>Mutants of more bytes are not kept.</summary>
    private const int MaxKept = 4096;

    private const int DefaultBudget = 4000;

    private readonly Dictionary<string, byte[]> _refused = [];

    private static int Budget => int.TryParse(Environment.GetEnvironmentVariable("TERAVOX_MUTANTS"), CultureInfo.InvariantCulture, out var mutants) ? mutants : DefaultBudget;

    private string Corpus => Path.Combine(SourceFolder(), "..", "corpus", kind);

    /// <summary>Reads the corpus as it is.</summary>
    public void Replay(Action<byte[]> read)
    {
        var files = Kept();
        Assert.True(files.Length > 0, $"{Corpus} is empty");
        foreach (var path in files)
            Read(File.ReadAllBytes(path), read, Path.GetFileName(path));
    }

    /// <summary>Reads the budget's number of mutants.</summary>
    /// <param name="sound">Files that are read without an error.</param>
    /// <param name="change">Makes a mutant of a file.</param>
    /// <param name="read">Reads a mutant.</param>
    public void Run(IReadOnlyList<byte[]> sound, Func<byte[], Random, byte[]> change, Action<byte[]> read)
    {
        foreach (var path in Kept())
            Read(File.ReadAllBytes(path), read, Path.GetFileName(path));
        var old = _refused.Keys.ToHashSet();
        var seeds = sound.Concat(Kept().Select(File.ReadAllBytes)).ToArray();
        var random = new Random(seed);
        var whole = 0;
        for (var i = 0; i < Budget; i++)
        {
            // Half of them of sound files, however many the corpus has.
            var file = i % 2 == 0 ? sound[i / 2 % sound.Count] : seeds[random.Next(seeds.Length)];
            if (Read(change(file, random), read, $"seed {seed}, mutant {i}"))
                whole++;
        }

        Assert.True(whole > Budget / 50, $"only {whole} of {Budget} mutants were read: they are too damaged to test more");
        if (Environment.GetEnvironmentVariable("TERAVOX_CORPUS") == "1")
            Keep(old);
    }

    /// <summary>True when the mutant was read, false when it was refused as it should.</summary>
    private bool Read(byte[] mutant, Action<byte[]> read, string which)
    {
        try
        {
            read(mutant);
            return true;
        }
        catch (InputException e)
        {
            Assert.False(string.IsNullOrWhiteSpace(e.Message));
            var place = $"{Place(e)} {sort?.Invoke(mutant)}";
            if (mutant.Length <= MaxKept && (!_refused.TryGetValue(place, out var other) || mutant.Length < other.Length))
                _refused[place] = mutant;
            return false;
        }
        catch (Exception e)
        {
            Assert.Fail($"{kind}, {which}: {e}\n{Convert.ToBase64String(mutant)}");
            return false;
        }
    }

    private string[] Kept() => Directory.Exists(Corpus) ? [.. Directory.GetFiles(Corpus).Order(StringComparer.Ordinal)] : [];

    private void Keep(HashSet<string> old)
    {
        Directory.CreateDirectory(Corpus);
        foreach (var (place, mutant) in _refused.Where(refused => !old.Contains(refused.Key)))
            File.WriteAllBytes(Path.Combine(Corpus, Convert.ToHexStringLower(SHA256.HashData(mutant))[..12]), mutant);
    }

    /// <summary>Where it was thrown, with the caller: what tells one reason from another, whatever numbers the message has.</summary>
    private static string Place(InputException e) => string.Join(' ', new StackTrace(e, fNeedFileInfo: true).GetFrames().Take(2).Select(static f => $"{f.GetMethod()?.Name}:{f.GetFileLineNumber()}"));

    private static string SourceFolder([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}
