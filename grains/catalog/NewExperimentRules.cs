// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;
using Teravox.Contracts.Work;

namespace Teravox.Grains.Catalog;

/// <summary>What every catalog checks before it writes an experiment.</summary>
public static class NewExperimentRules
{
    /// <summary>Checks that the stages are a DAG with unique names and sound limits.</summary>
    /// <exception cref="InputException">They are not; the sentence names the stage.</exception>
    public static void Check(NewExperiment experiment)
    {
        ArgumentNullException.ThrowIfNull(experiment);
        if (experiment.Stages.Count == 0)
        {
            throw new InputException($"Experiment '{experiment.Name}' has no stages; give it at least one.");
        }

        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var stage in experiment.Stages)
        {
            if (!names.Add(stage.Name))
            {
                throw new InputException(
                    $"Experiment '{experiment.Name}' has two stages named '{stage.Name}'; stage names must differ.");
            }

            if (stage.MaxFailures < 1 || stage.MaxDeaths < 1)
            {
                throw new InputException(
                    $"Stage '{stage.Name}' allows {stage.MaxFailures} failures and {stage.MaxDeaths} deaths; both must be 1 or more.");
            }
        }

        foreach (var stage in experiment.Stages)
        {
            if (stage.After.FirstOrDefault(after => !names.Contains(after)) is { } unknown)
            {
                throw new InputException(
                    $"Stage '{stage.Name}' waits for stage '{unknown}', which the experiment does not have.");
            }
        }

        RefuseCycles(experiment.Stages);
    }

    private static void RefuseCycles(IReadOnlyList<NewStage> stages)
    {
        var left = stages.ToList();
        var placed = new HashSet<string>(StringComparer.Ordinal);
        while (left.Count > 0)
        {
            var free = left.Where(stage => stage.After.All(placed.Contains)).ToList();
            if (free.Count == 0)
            {
                var circle = string.Join(", ", left.Select(stage => $"'{stage.Name}'"));
                throw new InputException($"Stages {circle} wait for each other in a circle; remove one 'after' of them.");
            }

            placed.UnionWith(free.Select(stage => stage.Name));
            left.RemoveAll(stage => placed.Contains(stage.Name));
        }
    }
}
