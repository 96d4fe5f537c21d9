// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using System.Globalization;
using Teravox.Contracts;
using Teravox.Silo.Cluster;

namespace Teravox.Cli.Commands;

/// <summary>teravox cluster-certificate: what silos on several machines prove to each other that they are one cluster with.</summary>
internal static class ClusterCertificateCommand
{
    public static Command Make()
    {
        var outFolder = Options.Out("Folder to write to; made where it is missing. Nothing in it is overwritten without --renew.");
        var days = new Option<int>("--days")
        {
            Description = $"Days that the member's certificate is valid, 1 to {ClusterCertificates.AuthorityDays}, which is how long the authority is valid.",
            DefaultValueFactory = _ => ClusterCertificates.DefaultDays,
        };
        var renew = new Option<bool>("--renew") { Description = "Makes a new member's certificate of the authority that is in the folder; silos take it when they start again, and those of before stay members." };
        return new Command(
            "cluster-certificate",
            $"""
            Makes a cluster's certificates: an authority of its own ({ClusterCertificate.AuthorityFile}, {ClusterCertificates.AuthorityKeyFile}) and a member's certificate ({ClusterCertificate.MemberFile}, {ClusterCertificate.KeyFile}). Silos get the folder by --cluster-certificates, but for {ClusterCertificates.AuthorityKeyFile}: keep it where no silo runs, since who has it can make members.

            Example:
              ./teravox cluster-certificate --out secrets/cluster
            """)
        {
            outFolder, days, renew,
        }.Does((r, _) =>
        {
            var folder = r.GetRequiredValue(outFolder);
            if (r.GetValue(renew))
                ClusterCertificates.Renew(folder, r.GetRequiredValue(days));
            else
                ClusterCertificates.Make(folder, r.GetRequiredValue(days));

            // Read as a silo reads it, so that what is printed is true.
            using var made = ClusterCertificate.Load(folder);
            Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Path.Combine(folder, ClusterCertificate.MemberFile)}: valid until {made.Ends:yyyy-MM-dd}"));
            return Task.FromResult(Guarded.Success);
        });
    }
}
