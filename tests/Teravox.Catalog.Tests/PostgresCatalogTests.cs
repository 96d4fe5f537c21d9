// SPDX-License-Identifier: Apache-2.0
using Teravox.Grains.Catalog;

namespace Teravox.Catalog.Tests;

/// <summary>The rules every catalog keeps, kept by the PostgreSQL one.</summary>
public sealed class PostgresCatalogTests(PostgresServer server) : CatalogConformance
{
    private string? _address;

    private protected override async Task<ICatalog> OpenAsync() => await Catalogs.OpenAsync(_address ??= await server.NewAddressAsync(), Ct);
}
