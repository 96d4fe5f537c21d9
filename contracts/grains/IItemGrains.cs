// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts.Work;

namespace Teravox.Contracts.Grains;

/// <summary>A work item as a grain, "12/infer-multiclass/3071". It is activated on the silo whose device has the item.</summary>
public interface IItemGrain : IGrainWithStringKey
{
    /// <summary>
    /// Runs the item when it does not run here yet, and waits for its end for a few seconds. <see cref="RunEnd.NotYet"/>: it
    /// goes on; the same call waits on.
    /// </summary>
    Task<RunOutcome> RunAsync(WorkItem item);
}

/// <summary>One tile on a device: read, compute, write, count.</summary>
public interface ITileGrain : IItemGrain;

/// <summary>One section, or a chain of neighbouring ones, that is degraded, enlarged, super-resolved or compared.</summary>
public interface ISectionGrain : IItemGrain;

/// <summary>A slab of a volume that is brought into the store.</summary>
public interface ISlabGrain : IItemGrain;

/// <summary>One training on a device: hours, checkpoints, progress.</summary>
public interface ITrainingGrain : IItemGrain;

/// <summary>A step that an experiment takes once for a prediction or for all: thresholds, the report.</summary>
public interface IStepGrain : IItemGrain;
