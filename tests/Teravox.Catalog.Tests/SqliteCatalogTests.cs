// SPDX-License-Identifier: Apache-2.0
using Teravox.Grains.Catalog;

namespace Teravox.Catalog.Tests;

/// <summary>The rules every catalog keeps, kept by the SQLite one.</summary>
public sealed class SqliteCatalogTests : CatalogConformance
{
    private readonly TempFolder _folder = new();

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _folder.Dispose();
    }

    private protected override Task<ICatalog> OpenAsync() => Catalogs.OpenAsync($"sqlite:{_folder["teravox.db"]}", Ct);
}
