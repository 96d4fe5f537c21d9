// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using Teravox.Contracts;

namespace Teravox.Silo.Http;

/// <summary>Makes the server read and write JSON as all of Teravox does.</summary>
internal static class ApiJson
{
    public static void Apply(JsonSerializerOptions to)
    {
        var from = TeravoxJson.Compact;
        to.PropertyNamingPolicy = from.PropertyNamingPolicy;
        to.PropertyNameCaseInsensitive = false;
        to.DefaultIgnoreCondition = from.DefaultIgnoreCondition;
        to.UnmappedMemberHandling = from.UnmappedMemberHandling;
        to.Encoder = from.Encoder;
        to.NumberHandling = from.NumberHandling;
        to.MaxDepth = 32;
        foreach (var converter in from.Converters)
            to.Converters.Add(converter);

        // A null where the record has no null is refused by the reader, so that no route has to look for it.
        to.RespectNullableAnnotations = true;
        to.RespectRequiredConstructorParameters = true;
    }
}
