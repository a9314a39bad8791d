foreach(sample penguins diamonds wine breaches)
    qn_embed(quern_cli qn_sample_${sample} samples/${sample}.csv)
endforeach()
qn_embed(quern_cli qn_profile_css src/cli/assets/profile.css)
