// SPDX-License-Identifier: Apache-2.0
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;
using Teravox.Contracts;

namespace Teravox.Silo.Http;

/// <summary>The OpenAPI document: made from the routes, with what they do not say themselves.</summary>
internal static class ApiDocument
{
    private const string Scheme = "key";

    public static void Add(IServiceCollection services) => services.AddOpenApi("v1", options =>
    {
        options.AddDocumentTransformer(static (document, _, _) =>
        {
            document.Info = new OpenApiInfo { Title = "Teravox", Version = "v1", Description = "Segments volume electron microscopy on a cluster of silos. Any silo answers for all of it." };
            document.Servers = [];
            document.Components ??= new OpenApiComponents();
            document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>
            {
                [Scheme] = new OpenApiSecurityScheme { Type = SecuritySchemeType.Http, Scheme = "bearer", Description = "A key tvx_..., where the cluster has keys." },
            };
            document.Security = [new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(Scheme, document)] = [] }];
            return Task.CompletedTask;
        });
        options.AddSchemaTransformer(static (schema, context, _) =>
        {
            var type = Nullable.GetUnderlyingType(context.JsonTypeInfo.Type) ?? context.JsonTypeInfo.Type;
            if (type == typeof(Int3) || type == typeof(VoxelSize))
            {
                schema.Type = JsonSchemaType.Array;
                schema.Items = new OpenApiSchema { Type = type == typeof(Int3) ? JsonSchemaType.Integer : JsonSchemaType.Number };
                schema.MinItems = schema.MaxItems = 3;
                schema.Description = type == typeof(Int3) ? "[z, y, x]" : "[z, y, x] in nm";
            }

            return Task.CompletedTask;
        });
    });
}
