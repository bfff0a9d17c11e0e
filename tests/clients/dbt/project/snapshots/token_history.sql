{% snapshot token_history %}
{{ config(target_schema='dbt_test', unique_key='symbol', strategy='check', check_cols=['name', 'decimals']) }}
select * from {{ ref('token_name') }}
{% endsnapshot %}
