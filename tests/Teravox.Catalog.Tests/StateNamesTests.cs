// SPDX-License-Identifier: Apache-2.0
using System.Reflection;
using Teravox.Grains;

namespace Teravox.Catalog.Tests;

/// <summary>Names of grains' states: Orleans' AdoNet storage knows a state by its name and the grain's key, and not by the grain's type.</summary>
public sealed class StateNamesTests
{
    [Fact]
    public void StateNames_WhenAllGrainsAreListed_EachIsOfOneGrain()
    {
        var names = typeof(StoredGrain<>).Assembly.GetTypes()
            .SelectMany(type => type.GetConstructors())
            .SelectMany(constructor => constructor.GetParameters())
            .Select(parameter => parameter.GetCustomAttribute<PersistentStateAttribute>())
            .OfType<PersistentStateAttribute>()
            .ToList();

        Assert.NotEmpty(names);
        Assert.All(names, name => Assert.False(string.IsNullOrEmpty(name.StateName)));
        Assert.All(names, name => Assert.Equal(StoredGrain<object>.StorageName, name.StorageName));
        Assert.Equal(names.Count, names.Select(name => name.StateName).Distinct(StringComparer.OrdinalIgnoreCase).Count());
    }
}
